import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attestImage } from '../src/workflow/attest-image.ts';
import { gateImages } from '../src/workflow/gate-image.ts';
import { identityFlags, rootFlags } from '../test/cosign.ts';
import { findPeer } from '../test/peers.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../test/signing-place.ts';
import type { Row } from './row.ts';

export const name = 'gate';

const cg = join(import.meta.dirname, '../dist/cg.js');
const components = 80;
const runs = 7;
const commit = '0'.repeat(39).concat('1');
const findings = 400;

interface Setting {
  readonly bench: SigningBench;
  readonly registry: TestRegistry;
  readonly folder: string;
  readonly images: readonly string[];
}

/** A policy with a rule of every kind, on images with provenance, an SBOM and the reports of two scanners. */
export async function run(): Promise<Row[]> {
  const setting = await openSetting();
  try {
    return [...(await oneImage(setting)), ...(await manyImages(setting))];
  } finally {
    await setting.registry.stop();
    await setting.bench.close();
    rmSync(setting.folder, { recursive: true, force: true });
  }
}

async function openSetting(): Promise<Setting> {
  const bench = await openSigningBench();
  const registry = await openTestRegistry();
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-gate-'));
  const predicates = [
    { type: 'slsaprovenance1', file: bench.write('provenance.json', provenance(bench)) },
    { type: 'spdxjson', file: bench.write('sbom.json', sbom()) },
    { type: 'vuln', file: bench.write('trivy.json', scan('aquasecurity/trivy', trivyReport())) },
    { type: 'vuln', file: bench.write('grype.json', scan('anchore/grype', { matches: [] })) },
  ];
  const images: string[] = [];
  for (let n = 0; n < components; n++) {
    const { reference } = await registry.image(`bench/app-${n}`);
    await attestImage({
      image: reference,
      env: {},
      local: { folder: bench.data },
      predicates,
      sign: true,
      shape: 'bundle',
    });
    images.push(reference);
  }
  const { issuer, subject } = bench.identity;
  const include = ['slsa_source_correlated', 'slsa_provenance_available', 'sbom.found', 'cve'];
  const policy = ['github.com/conforma/policy//policy/release'];
  const write = (file: string, value: object) => writeFileSync(join(folder, file), JSON.stringify(value));
  write('policy.yaml', { identity: { issuer, subject }, sources: [{ policy, config: { include } }] });
  write('promotion.yaml', {
    extends: 'policy.yaml',
    require: [{ type: 'vuln', scanners: ['trivy', 'grype'], maxAge: '168h', failOn: 'critical' }],
    include: ['source.certificate_correlated', 'source.only_expected'],
  });
  const source = { git: { url: 'https://github.com/example/shop', revision: commit } };
  const toComponent = (containerImage: string, at: number) => ({ name: `app-${at}`, containerImage, source });
  write('images.yaml', { components: images.map(toComponent) });
  write('one.yaml', { components: images.slice(0, 1).map(toComponent) });
  // What getrusage says of a process begins with the memory of the one that started it, which may be large.
  writeFileSync(
    join(folder, 'memory.cjs'),
    `const { existsSync, readFileSync, writeFileSync } = require('node:fs');
     process.on('exit', () => {
       const own = existsSync('/proc/self/status') && /VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
       writeFileSync(process.env.MEMORY_FILE, own ? own[1] : String(process.resourceUsage().maxRSS));
     });`,
  );
  return { bench, registry, folder, images };
}

/** cosign verifies only signatures and types, one type in a process; ours decides by the policy as well. */
async function oneImage(setting: Setting): Promise<Row[]> {
  const { bench, folder, images } = setting;
  const warm = await medianTime(async () => {
    const { verdict } = await gateImages({
      env: {},
      local: { folder: bench.data },
      allowLocalTrust: true,
      policy: join(folder, 'policy.yaml'),
      promotion: join(folder, 'promotion.yaml'),
      components: [join(folder, 'one.yaml')],
    });
    if (verdict.decision !== 'allow')
      throw new Error(JSON.stringify(verdict.components[0]?.violations).slice(0, 500));
  });
  const row = (what: string, ours: number, peer: number, peerName: string, target: number): Row => ({
    what,
    ours,
    peer,
    peerName,
    unit: 'ms',
    ratio: peer / ours,
    target,
    ok: peer / ours >= target,
  });
  const rows = [row('gate one image, warm, in process', warm, 400, 'at most', 1)];
  const cosign = findPeer('cosign3');
  if (cosign === undefined) return rows;
  const own = await medianTime(() => gateProcess(setting, 'one.yaml').then(() => undefined));
  const theirs = await medianTime(async () => {
    const flags = [...rootFlags(bench), ...identityFlags(bench), images[0] ?? ''];
    await runProgram(cosign, ['verify', ...flags], folder);
    for (const type of ['slsaprovenance1', 'spdxjson', 'vuln'])
      await runProgram(cosign, ['verify-attestation', '--type', type, ...flags], folder);
  });
  return [...rows, row('gate one image, a process each', own, theirs, 'cosign 3, signature and 3 types', 1)];
}

async function manyImages(setting: Setting): Promise<Row[]> {
  const begin = performance.now();
  const memory = await gateProcess(setting, 'images.yaml');
  const seconds = (performance.now() - begin) / 1000;
  const limit = (what: string, ours: number, peer: number, unit: string): Row => ({
    what,
    ours,
    peer,
    peerName: 'at most',
    unit,
    ratio: peer / ours,
    target: 1,
    ok: ours <= peer,
  });
  return [
    limit(`gate ${components} components`, seconds, 10, 's'),
    limit(`gate ${components} components, memory`, memory, 300, 'MB'),
  ];
}

async function gateProcess({ folder, bench }: Setting, images: string): Promise<number> {
  const memoryFile = join(folder, 'memory');
  const words = [
    'gate',
    '--images',
    images,
    '--promotion',
    'promotion.yaml',
    '--allow-local-trust',
    '--sigstore-data',
    bench.data,
    '--output',
    'json',
  ];
  await runProgram(process.execPath, ['--require', join(folder, 'memory.cjs'), cg, ...words], folder, {
    MEMORY_FILE: memoryFile,
  });
  return Number(readFileSync(memoryFile, 'utf8')) / 1024;
}

async function runProgram(
  program: string,
  args: readonly string[],
  cwd: string,
  more: Record<string, string> = {},
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const env = { HOME: cwd, PATH: '', HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1', ...more };
    const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', chunk => (text = `${text}${String(chunk)}`.slice(-4000)));
    child.on('error', reject);
    child.on('close', code => (code === 0 ? resolve() : reject(new Error(`${args.join(' ')}: ${text}`))));
  });
}

async function medianTime(work: () => Promise<void>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let n = 0; n < runs; n++) {
    const begin = performance.now();
    await work();
    times.push(performance.now() - begin);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(runs / 2)] ?? Number.NaN;
}

function provenance({ identity }: SigningBench): object {
  return {
    buildDefinition: {
      buildType: 'https://example.com/build/v1',
      externalParameters: {},
      resolvedDependencies: [{ uri: 'git+https://github.com/example/shop', digest: { gitCommit: commit } }],
    },
    runDetails: { builder: { id: identity.subject } },
  };
}

function sbom(): object {
  const packages = Array.from({ length: 300 }, (_, at) => ({
    SPDXID: `SPDXRef-${at}`,
    name: `package-${at}`,
    versionInfo: `1.${at}`,
    downloadLocation: 'NOASSERTION',
  }));
  return {
    spdxVersion: 'SPDX-2.3',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: 'app',
    dataLicense: 'CC0-1.0',
    documentNamespace: 'https://example.com/app',
    creationInfo: {},
    packages,
  };
}

function trivyReport(): object {
  const entry = (at: number) => ({
    VulnerabilityID: `CVE-2026-${at}`,
    PkgName: `package-${at}`,
    InstalledVersion: '1',
    FixedVersion: '2',
    Severity: 'MEDIUM',
    Title: 'a title '.repeat(10),
    Description: 'a description '.repeat(60),
  });
  return {
    SchemaVersion: 2,
    Results: [{ Target: 'app', Vulnerabilities: Array.from({ length: findings }, (_, at) => entry(at)) }],
  };
}

function scan(scanner: string, result: object): object {
  const now = new Date().toISOString().replace(/\.\d{3}Z$/, 'Z');
  return {
    scanner: { uri: `pkg:github/${scanner}@1`, db: { version: now }, result },
    metadata: { scanStartedOn: now, scanFinishedOn: now },
  };
}
