import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandTable } from '../../src/cli/command-table.ts';
import { systemClock } from '../../src/model/clock.ts';
import { type UpReady, up } from '../../src/workflow/up/up.ts';
import { buildRecord, githubEnvironment } from '../build-places.ts';
import { debianStatus, osReleaseOf } from '../contents.ts';
import { runCli } from './pretend.ts';

const schemas = join(import.meta.dirname, '../../schema/output');
/** Servers print where they listen, and nothing else. */
const servers = new Set(['up', 'registry serve', 'sigstore serve']);

const deniedRecord = join(
  import.meta.dirname,
  '../golden/cli/explain-prints-only-what-was-tried/files/record.json',
);

function simulatedFile(target: string): string {
  const files = join(import.meta.dirname, '../golden/cli/admission-simulate-knows-its-pods/files');
  return join(files, `cascadeguard-${target}.yaml`);
}

let folder: string;
let ready: UpReady;
const stop = new AbortController();
let running: Promise<void>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cg-schemas-'));
  ready = await new Promise((resolve, reject) => {
    running = up({ data: join(folder, 'up'), addr: '127.0.0.1:0', signal: stop.signal, onReady: resolve });
    running.catch(reject);
  });
});

afterAll(async () => {
  stop.abort();
  await running;
  rmSync(folder, { recursive: true, force: true });
});

function writeJson(name: string, content: object): string {
  writeFileSync(join(folder, name), JSON.stringify(content));
  return join(folder, name);
}

/** A small system with a package of its distribution and a file that cannot be read. */
function rootOf(parent: string): string {
  const root = join(parent, 'root');
  mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true });
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/os-release'), osReleaseOf('debian', '12'));
  writeFileSync(join(root, 'var/lib/dpkg/status'), debianStatus(['a', '1', 'Source: b (2)\n']));
  writeFileSync(join(root, 'broken.jar'), 'no zip');
  return root;
}

function writeContext(): string {
  const context = join(folder, 'context');
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  return context;
}

function writeAdvisories(): string {
  mkdirSync(join(folder, 'osv'), { recursive: true });
  const events = [{ introduced: '0' }];
  writeJson('osv/CVE-2026-0001.json', {
    id: 'CVE-2026-0001',
    modified: '2026-11-24T00:00:00Z',
    affected: [{ package: { ecosystem: 'npm', name: 'a' }, ranges: [{ type: 'SEMVER', events }] }],
  });
  return join(folder, 'osv');
}

function problemsOf(name: string, json: string): unknown {
  const validate = new Ajv2020({ strict: true, allErrors: true }).compile(
    JSON.parse(readFileSync(join(schemas, `${name}.schema.json`), 'utf8')),
  );
  return validate(JSON.parse(json)) ? [] : validate.errors;
}

describe('output schemas', () => {
  it.each(commandTable.map(entry => entry.path).filter(path => !servers.has(path)))(
    'has one for cg %s',
    path => {
      expect(existsSync(join(schemas, `${path.replace(' ', '-')}.schema.json`))).toBe(true);
    },
  );

  it.each([
    ['version', () => ['--version']],
    ['config-show', () => ['config', 'show']],
    ['doctor', () => ['doctor', '--registry', new URL(ready.registry).host]],
    ['completion', () => ['completion', 'bash']],
    ['inspect', () => ['inspect', ready.sample]],
    ['sbom', () => ['sbom', ready.sample]],
    ['sbom', () => ['sbom', `dir:${rootOf(folder)}`]],
    ['copy', () => ['copy', ready.sample, `oci:${join(folder, 'hello')}`]],
    ['build', () => ['build', writeContext(), '--to', `oci:${join(folder, 'built')}`]],
    ['db-status', () => ['db', 'status', '--db', join(folder, 'no-advisories')]],
    ['db-import', () => ['db', 'import', writeAdvisories(), '--db', join(folder, 'advisories')]],
    ['db-status', () => ['db', 'status', '--db', join(folder, 'advisories')]],
    ['scan', () => ['scan', ready.sample, '--db', join(folder, 'advisories')]],
    ['logout', () => ['logout', 'registry.invalid']],
    ['gate', () => ['gate', '--replay', deniedRecord, '--info', '--show-successes']],
    ['explain', () => ['explain', '--replay', deniedRecord]],
    [
      'admission-simulate',
      () => ['admission', 'simulate', ...['vap', 'kyverno', 'policy-controller'].map(simulatedFile)],
    ],
    ['error', () => ['inspect', 'Upper/Case']],
    [
      'error',
      () => [
        'config',
        'show',
        '--config',
        join(
          import.meta.dirname,
          '../golden/cli/config-problems-are-said-all-at-once/files/.cascadeguard.yaml',
        ),
      ],
    ],
  ] as const)('%s describes what is printed', async (name, words) => {
    const { stdout, stderr } = await runCli([...words(), '--output', 'json'], { env: { HOME: folder } });
    expect({ problems: problemsOf(name, stdout), stderr: stdout === '' ? stderr : '' }).toEqual({
      problems: [],
      stderr: '',
    });
  });

  it.each([
    ['sign', () => ['--local', '--recursive']],
    ['attest', () => ['--local', '--predicate', `https://example.com/x/v1=${writeJson('x.json', { x: 1 })}`]],
    [
      'verify',
      () => ['--allow-local-trust', '--recursive', '--issuer-regexp', '.*', '--identity-regexp', '.*'],
    ],
    [
      'copy',
      () => [
        `oci:${join(folder, 'verified')}`,
        '--verify',
        '--allow-local-trust',
        '--issuer-regexp',
        '.*',
        '--identity-regexp',
        '.*',
      ],
    ],
  ] as const)('%s describes what is printed about evidence', async (name, words) => {
    const command = [name, ready.sample, ...words(), '--sigstore-data', ready.sigstore, '--output', 'json'];
    const { stdout, stderr } = await runCli(command, { env: { HOME: folder }, clock: systemClock });
    expect({ problems: stdout === '' ? stderr : problemsOf(name, stdout) }).toEqual({ problems: [] });
  });

  it.each([
    ['trust-show', () => ['trust', 'show', '--sigstore-data', ready.sigstore]],
    [
      'sigstore-token',
      () => ['sigstore', 'token', '--as', 'me@example.com', '--sigstore-data', ready.sigstore],
    ],
    [
      'provenance',
      () => [
        'provenance',
        '--ci',
        'github',
        '--builder-id',
        'https://builder.example',
        '--record',
        writeJson('record.json', buildRecord),
      ],
    ],
  ] as const)('%s describes what is printed', async (name, words) => {
    const { SIGSTORE_ID_TOKEN: _token, ...github } = githubEnvironment({ token: () => '' });
    const { stdout, stderr } = await runCli([...words(), '--output', 'json'], {
      env: { HOME: folder, ...github },
    });
    expect({ problems: stdout === '' ? stderr : problemsOf(name, stdout) }).toEqual({ problems: [] });
  });

  it('tools-lock describes what is printed', async () => {
    writeFileSync(join(folder, 'trivy'), 'a program');
    const proof = ['--release', '0.74.0', '--by', 'team', '--vouch', 'checked by hand'];
    const words = ['tools', 'lock', 'trivy', '--asset', 'trivy', ...proof, '--output', 'json'];
    const { stdout } = await runCli(words, { env: { HOME: folder }, cwd: folder });
    expect(problemsOf('tools-lock', stdout)).toEqual([]);
  });

  it('login describes what is printed', async () => {
    const words = [
      'login',
      new URL(ready.registry).host,
      '--username',
      'me',
      '--password-stdin',
      '--output',
      'json',
    ];
    const { stdout } = await runCli(words, { env: { HOME: folder }, stdin: 'secret-word\n' });
    expect(problemsOf('login', stdout)).toEqual([]);
    expect(stdout).not.toContain('secret-word');
  });

  it('completion proposes what is in a registry of this machine and in folders', async () => {
    const host = new URL(ready.registry).host;
    const proposals = async (...typed: string[]) =>
      (await runCli(['__complete', '--', ...typed], { env: { HOME: folder }, cwd: folder })).stdout
        .split('\n')
        .filter(Boolean)
        .map(line => line.split('\t')[0]);
    expect(await proposals('copy', `${host}/`)).toContain(`${host}/sample/hello`);
    expect(await proposals('copy', `${host}/sample/hello:`)).toEqual([`${host}/sample/hello:1`]);
    expect(await proposals('copy', 'oci:')).toContain('oci:up');
    expect(await proposals('inspect', '--output', '')).toEqual(['text', 'json']);
    expect(await proposals('copy', '127.0.0.1:1/')).toEqual([]);
  });

  it('registry-gc describes what is printed', async () => {
    const data = join(folder, 'idle');
    const idle = new AbortController();
    await up({ data, addr: '127.0.0.1:0', signal: idle.signal, onReady: () => idle.abort() });
    const { stdout } = await runCli(['registry', 'gc', '--data', join(data, 'registry'), '--output', 'json']);
    expect(problemsOf('registry-gc', stdout)).toEqual([]);
  });
});
