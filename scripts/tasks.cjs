// What each npm script does. Each one first installs what is missing and builds what is stale.
'use strict';
const { spawn, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const root = path.dirname(__dirname);
const bin = name => path.join(root, 'node_modules', '.bin', name);
const cli = path.join(root, 'dist', 'cg.js');

const tasks = {
  async start(args) {
    build();
    return spawnTask(process.execPath, [cli, 'up', ...args]);
  },
  async dev(args) {
    return spawnTask(process.execPath, ['--import', 'tsx', path.join(root, 'src/cli/main.ts'), ...args]);
  },
  async build() {
    build({ always: true });
    return 0;
  },
  async format() {
    return spawnTask(bin('biome'), ['check', '--write', '.']);
  },
  async docs() {
    return spawnTask(process.execPath, ['--import', 'tsx', path.join(root, 'scripts/generate-docs.ts')]);
  },
  async test(args) {
    build();
    if (args.length > 0) return spawnTask(bin('vitest'), ['run', ...args]);
    const checks = await check({ alsoTests: false });
    const tests = await spawnTask(bin('vitest'), ['run']);
    return checks || tests;
  },
  async check() {
    build();
    return check({ alsoTests: true });
  },
  async bench(args) {
    build();
    return spawnTask(process.execPath, ['--import', 'tsx', path.join(root, 'bench/main.ts'), ...args]);
  },
};

exports.run = async function run(name, args) {
  const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined;
  if (!task) {
    console.error(`There is no task "${name}". Tasks: ${Object.keys(tasks).join(', ')}.`);
    process.exit(2);
  }
  install();
  process.exitCode = await task(args);
};

/** Installs exactly what the lock file says, when it was not installed or the lock file has changed since. */
function install() {
  const lock = digestOf([path.join(root, 'package-lock.json')]);
  const stamp = path.join(root, 'node_modules', '.cascadeguard-lock');
  if (read(stamp) === lock) return;
  console.error('Installing what the lock file names (once; about half a minute) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const flags = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = spawnSync(npm, flags, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(
      'npm ci failed, so nothing was built. Check the network and the registry of npm, then run the command again.',
    );
    process.exit(3);
  }
  fs.writeFileSync(stamp, lock);
}

/** Builds dist/ when a source has changed since the last build. */
function build(options) {
  const sources = digestOf([
    ...walk(path.join(root, 'src')),
    path.join(root, 'scripts/build.mjs'),
    path.join(root, 'package.json'),
  ]);
  const stamp = path.join(root, 'node_modules', '.cascadeguard-built');
  if (!options?.always && fs.existsSync(cli) && read(stamp) === sources) return;
  const result = spawnSync(process.execPath, [path.join(root, 'scripts/build.mjs')], {
    cwd: root,
    stdio: 'inherit',
  });
  if (result.status !== 0) process.exit(70);
  fs.writeFileSync(stamp, sources);
}

/** Runs the checks side by side and prints the output of those that failed. */
async function check({ alsoTests }) {
  const steps = {
    types: [bin('tsc'), ['-p', '.']],
    lint: [bin('oxlint'), ['--type-aware', '--deny-warnings']],
    format: [bin('biome'), ['check', '--error-on-warnings']],
    docs: [process.execPath, ['--import', 'tsx', path.join(root, 'scripts/generate-docs.ts'), '--check']],
    ...(alsoTests && {
      'architecture, documents and unit tests': [
        bin('vitest'),
        ['run', 'src', 'test/architecture.test.ts', 'test/docs'],
      ],
    }),
  };
  console.error(`checking ${Object.keys(steps).join(', ')} …`);
  const results = await Promise.all(
    Object.entries(steps).map(async ([name, [command, args]]) => {
      const started = Date.now();
      const { status, output } = await capture(command, args);
      console.error(`${status === 0 ? '✓' : '✗'} ${name} (${Math.round((Date.now() - started) / 1000)} s)`);
      return { status, output };
    }),
  );
  // All that is wrong stands together at the end.
  for (const { status, output } of results) if (status !== 0) console.error(output);
  return results.some(result => result.status !== 0) ? 1 : 0;
}

function capture(command, args) {
  return new Promise(resolve => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', chunk => (output += chunk));
    child.stderr.on('data', chunk => (output += chunk));
    child.on('error', error => resolve({ status: 1, output: String(error) }));
    child.on('close', status => resolve({ status: status ?? 1, output }));
  });
}

/** Runs in the foreground; Ctrl-C reaches the child through the terminal, so we only wait for how it ends. */
function spawnTask(command, args) {
  return new Promise(resolve => {
    const child = spawn(command, args, { cwd: process.env.INIT_CWD ?? root, stdio: 'inherit' });
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', error => {
      console.error(String(error));
      resolve(70);
    });
    child.on('close', (status, signal) => resolve(status ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function digestOf(files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash.update(path.relative(root, file)).update('\0').update(fs.readFileSync(file)).update('\0');
  return hash.digest('hex');
}

function* walk(folder) {
  for (const entry of fs
    .readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(file);
    else if (!entry.name.endsWith('.test.ts')) yield file;
  }
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
