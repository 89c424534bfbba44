import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryAccess } from '../src/image/oci/access.ts';
import { open } from '../src/image/oci/open.ts';
import type { Digest } from '../src/model/digest.ts';
import { collectEvidence } from '../src/trust/attest/storage/collect-evidence.ts';
import { parseTrustRoot } from '../src/trust/attest/trust-root/trust-root.ts';
import type { RawEvidence } from '../src/trust/attest/verify/judge.ts';
import { judgeItem } from '../src/trust/attest/verify/judge.ts';
import { attestImage } from '../src/workflow/attest-image.ts';
import { mintDevelopmentToken } from '../src/workflow/serve-sigstore.ts';
import { signImage } from '../src/workflow/sign-image.ts';
import { verifyImage } from '../src/workflow/verify-image.ts';
import { identityFlags, rootFlags } from '../test/cosign.ts';
import { imageOf, pushImage } from '../test/images.ts';
import { findPeer } from '../test/peers.ts';
import { waitFor } from '../test/wait-for.ts';
import { median } from './median.ts';
import type { Row } from './row.ts';

export const name = 'evidence';

const cg = join(import.meta.dirname, '../dist/cg.js');
const runs = 9;
const warmUps = 15;
const writers = 16;
const verifications = 1_000;
const types = ['a', 'b', 'c'].map(word => `https://example.com/${word}/v1`);

interface Setting {
  readonly folder: string;
  /** The folder of the local Sigstore. */
  readonly data: string;
  readonly host: string;
  readonly identity: { readonly issuer: string; readonly subject: string };
  /** A fresh image. */
  image(repository: string): Promise<{ readonly reference: string; readonly digest: Digest }>;
  close(): Promise<void>;
}

/** Against cosign doing the same, on one registry with one local Sigstore, both in processes of their own. */
export async function run(): Promise<Row[]> {
  const setting = await openSetting();
  try {
    return [
      ...(await verifyRows(setting)),
      ...(await signRows(setting)),
      await manyRow(setting),
      await concurrentRow(setting),
    ];
  } finally {
    await setting.close();
  }
}

async function openSetting(): Promise<Setting> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-evidence-'));
  const data = join(folder, 'sigstore', 'bench');
  const registry = await serve(folder, 'registry', [
    '--addr',
    '127.0.0.1:0',
    '--data',
    join(folder, 'registry'),
  ]);
  const sigstore = await serve(folder, 'sigstore', ['--addr', '127.0.0.1:0', '--data', data]);
  const { host } = new URL(registry.url);
  const access = new RegistryAccess({ env: {} });
  writeFileSync(join(folder, 'predicate.json'), '{"answer":42}');
  writeFileSync(
    join(folder, 'token'),
    await mintDevelopmentToken({ as: 'github', project: 'bench', folder: data, environment: {} }),
  );
  return {
    folder,
    data,
    host,
    identity: {
      issuer: `${sigstore.url}/local`,
      subject: 'https://github.com/example/shop/.github/workflows/release.yml@refs/heads/main',
    },
    image: async repository => {
      const { registry: store } = await open(`${host}/${repository}:1`, access, { to: 'write' });
      const digest = await pushImage(store, imageOf(repository), '1');
      return { reference: `${host}/${repository}@${digest}`, digest };
    },
    close: async () => {
      access.close();
      await Promise.all([registry.stop(), sigstore.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function serve(
  folder: string,
  noun: string,
  args: readonly string[],
): Promise<{ url: string; stop(): Promise<void> }> {
  const ready = join(folder, `${noun}.json`);
  const child = spawn(process.execPath, [cg, noun, 'serve', ...args, '--ready-file', ready], {
    stdio: 'ignore',
    env: { HOME: folder },
  });
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  await waitFor(() => existsSync(ready), `cg ${noun} serve`);
  const { url } = JSON.parse(readFileSync(ready, 'utf8')) as { url: string };
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url, stop };
}

async function verifyRows(setting: Setting): Promise<Row[]> {
  const { reference } = await setting.image('bench/verify');
  await prepare(setting, reference, 'bundle');
  const { issuer, subject } = setting.identity;
  const own = async () =>
    await runOurs(
      setting,
      'verify',
      reference,
      '--allow-local-trust',
      '--issuer',
      issuer,
      '--identity',
      subject,
      ...types.flatMap(type => ['--type', type]),
    );
  const warm = async () => {
    const { verdict } = await verifyImage({
      image: reference,
      env: {},
      identities: [setting.identity],
      allowLocalTrust: true,
      local: { folder: setting.data },
      predicateTypes: types,
    });
    if (verdict !== 'accepted') throw new Error(verdict);
  };
  const theirs = async () => {
    const flags = [...rootFlags(setting), ...identityFlags(setting), reference];
    await runTheirs(setting, 'verify', ...flags);
    for (const type of types) await runTheirs(setting, 'verify-attestation', '--type', type, ...flags);
  };
  return await compare('verify a signature and 3 attestations', 10, { own, warm, theirs });
}

/** Every turn signs an image of its own: an image that has a hundred signatures is nobody's daily work. */
async function signRows(setting: Setting): Promise<Row[]> {
  const images: string[] = [];
  for (let n = 0; n < 3 * runs + warmUps; n++)
    images.push((await setting.image(`bench/sign-${n}`)).reference);
  const next = () => images.pop() ?? '';
  const local = ['--local', '--identity-token', 'token', '--shape', 'bundle'];
  const predicates = types.map(type => ({ type, file: join(setting.folder, 'predicate.json') }));
  const own = async () =>
    await runOurs(
      setting,
      'attest',
      next(),
      '--sign',
      ...local,
      ...types.flatMap(type => ['--predicate', `${type}=predicate.json`]),
    );
  const warm = async () => {
    const o = {
      image: next(),
      env: {},
      local: { folder: setting.data },
      shape: 'bundle',
      sign: true,
    } as const;
    await attestImage({ ...o, predicates });
  };
  const theirs = async () => {
    const config = join(setting.data, 'signing_config.json');
    const flags = [
      '--yes',
      '--identity-token',
      'token',
      '--signing-config',
      config,
      ...rootFlags(setting),
      next(),
    ];
    await runTheirs(setting, 'sign', ...flags);
    for (const type of types)
      await runTheirs(setting, 'attest', '--type', type, '--predicate', 'predicate.json', ...flags);
  };
  return await compare('sign, log and attest three predicates', 5, { own, warm, theirs });
}

/** Without a registry in between: what was collected is judged again and again. */
async function manyRow(setting: Setting): Promise<Row> {
  const { reference, digest } = await setting.image('bench/many');
  await prepare(setting, reference);
  const access = new RegistryAccess({ env: {} });
  const items: RawEvidence[] = [];
  for await (const found of collectEvidence((await open(reference, access)).registry, digest)) {
    if ('raw' in found) items.push(found.raw);
  }
  access.close();
  const root = parseTrustRoot('local:bench', readFileSync(join(setting.data, 'trusted_root.json')));
  const expected = { digest, identities: [setting.identity], trust: { allowLocal: true } };
  const start = performance.now();
  for (let n = 0; n < verifications; n++) {
    const item = items[n % items.length];
    if (item === undefined || !judgeItem(item, expected, { roots: [root] }).verified)
      throw new Error('not verified');
  }
  return budget(
    'verifications in one process, both forms',
    verifications / ((performance.now() - start) / 1000),
    150,
    'per s',
  );
}

async function concurrentRow(setting: Setting): Promise<Row> {
  const { reference } = await setting.image('bench/at-once');
  const names = Array.from({ length: writers }, (_, n) => `https://example.com/at-once/v${n}`);
  const flags = ['--local', '--identity-token', 'token'];
  await Promise.all(
    names.map(type =>
      runOurs(setting, 'attest', reference, ...flags, '--predicate', `${type}=predicate.json`),
    ),
  );
  const { targets } = await verifyImage({
    image: reference,
    env: {},
    identities: [setting.identity],
    allowLocalTrust: true,
    local: { folder: setting.data },
    signature: false,
    predicateTypes: names,
  });
  const found = targets.flatMap(({ items }) => items).filter(({ verified }) => verified).length;
  return budget(`attestations kept of ${writers} processes at once, both forms`, found, writers * 2, '');
}

async function prepare(
  { data, folder }: Setting,
  image: string,
  shape: 'both' | 'bundle' = 'both',
): Promise<void> {
  const o = { image, env: {}, local: { folder: data }, shape };
  await signImage(o);
  await attestImage({
    ...o,
    predicates: types.map(type => ({ type, file: join(folder, 'predicate.json') })),
  });
}

/** In turns, so that a machine that slows down slows all; medians, because noise only adds. */
async function compare(
  what: string,
  target: number,
  { own, warm, theirs }: Readonly<Record<'own' | 'warm' | 'theirs', () => Promise<void>>>,
): Promise<Row[]> {
  if (findPeer('cosign3') === undefined) throw new Error('needs cosign3');
  const times: Record<'own' | 'warm' | 'theirs', number[]> = { own: [], warm: [], theirs: [] };
  for (let turn = 0; turn < warmUps; turn++) await warm();
  for (let turn = 0; turn < runs; turn++) {
    times.own.push(await time(own));
    times.warm.push(await time(warm));
    times.theirs.push(await time(theirs));
  }
  const peer = median(times.theirs);
  const row = (words: string, ours: number, wanted: number): Row => ({
    what: `${what}, ${words}`,
    ours,
    peer,
    peerName: 'cosign 3.1, 4 processes',
    unit: 'ms',
    ratio: peer / ours,
    target: wanted,
    ok: peer / ours >= wanted,
  });
  // A process of Node alone takes as long as one of cosign with all its work, so the first figure is only watched.
  return [row('warm', median(times.warm), target), row('whole processes', median(times.own), 1)];
}

async function runOurs({ folder, data }: Setting, ...args: readonly string[]): Promise<void> {
  const env = { HOME: folder, PATH: process.env.PATH, CG_SIGSTORE_DATA: data };
  await start(process.execPath, [cg, ...args, '--quiet'], env, folder);
}

async function runTheirs({ folder }: Setting, ...args: readonly string[]): Promise<void> {
  await start(
    findPeer('cosign3') ?? 'cosign3',
    args,
    { HOME: folder, PATH: '', HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1' },
    folder,
  );
}

function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.on('data', chunk => (text += chunk));
    child.on('error', reject);
    child.on('close', code => (code === 0 ? resolve() : reject(new Error(`${args.join(' ')}: ${text}`))));
  });
}

async function time(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

function budget(what: string, ours: number, peer: number, unit: string): Row {
  return { what, ours, peer, peerName: 'at least', unit, ratio: ours / peer, target: 1, ok: ours >= peer };
}
