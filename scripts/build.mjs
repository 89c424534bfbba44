// Bundles everything that ships into dist/: the CLI with one lazily loaded chunk per command, the library, and its types.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const commit =
  spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout?.trim() || 'unknown';

rmSync(`${root}dist`, { recursive: true, force: true });
const { outputFiles, metafile } = await build({
  metafile: true,
  absWorkingDir: root,
  entryPoints: { cg: 'src/cli/main.ts', index: 'src/index.ts', attest: 'src/attest.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  chunkNames: 'chunks/[name]-[hash]',
  define: {
    'process.env.CG_BUILD_VERSION': JSON.stringify(version),
    'process.env.CG_BUILD_COMMIT': JSON.stringify(commit),
  },
  write: false,
  logLevel: 'warning',
});
// CommonJS packages inside an ESM bundle still call require for Node's own modules. Only the chunks that hold one pay for it.
const requireShim = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";
for (const { path, text } of outputFiles) {
  const needsRequire = path.endsWith('.js') && text.includes('__require');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, needsRequire ? text.replace(/^(#!.*\n)?/, `$1${requireShim}`) : text);
}
writeFileSync(`${root}dist/THIRD-PARTY-LICENSES.txt`, thirdPartyLicences(metafile.inputs));
chmodSync(`${root}dist/cg.js`, 0o755);
const types = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.types.json'],
  { cwd: root, stdio: 'inherit' },
);
if (types.status !== 0) process.exit(1);

/** The licences of what is bundled travel with it. */
function thirdPartyLicences(inputs) {
  const folders = Object.keys(inputs).flatMap(input => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []);
  return [...new Set(folders)]
    .sort()
    .map(folder => {
      const { name, version, license } = JSON.parse(readFileSync(`${root}${folder}/package.json`, 'utf8'));
      const file = readdirSync(`${root}${folder}`).find(entry => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? '' : readFileSync(`${root}${folder}/${file}`, 'utf8').trim();
      return `${name} ${version} (${license})\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
