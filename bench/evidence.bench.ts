import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { RegistryAccess } from '../src/image/oci/access.ts';
import { open } from '../src/image/oci/open.ts';
import { collectEvidence } from '../src/trust/attest/storage/collect-evidence.ts';
import { parseTrustRoot } from '../src/trust/attest/trust-root/trust-root.ts';
import type { RawEvidence } from '../src/trust/attest/verify/judge.ts';
import { judgeItem } from '../src/trust/attest/verify/judge.ts';
import { attestImage } from '../src/workflow/attest-image.ts';
import { signImage } from '../src/workflow/sign-image.ts';
import { verifyImage } from '../src/workflow/verify-image.ts';
import { identityFlags, rootFlags } from '../test/cosign.ts';
import { findPeer } from '../test/peers.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../test/signing-place.ts';
import type { Row } from './row.ts';

export const name = 'evidence';

const cg = join(import.meta.dirname, '../dist/cg.js');
const runs = 9;
const writers = 16;
const verifications = 1_000;
const types = ['a', 'b', 'c'].map(word => `https://example.com/${word}/v1`);

interface Setting {
  readonly bench: SigningBench;
  readonly registry: TestRegistry;
}

/** Whole processes against cosign doing the same, on one registry with one local Sigstore; both reach only this machine. */
export async function run(): Promise<Row[]> {
  const setting = { bench: await openSigningBench(), registry: await openTestRegistry() };
  try {
    setting.bench.write('predicate.json', { answer: 42 });
    setting.bench.write('token', setting.bench.token());
    return [
      await verifyRow(setting),
      await signRow(setting),
      await manyRow(setting),
      await imagesRow(setting),
      await concurrentRow(setting),
    ];
  } finally {
    await setting.registry.stop();
    await setting.bench.close();
  }
}

async function verifyRow(setting: Setting): Promise<Row> {
  const { reference } = await setting.registry.image('bench/verify');
  await prepare(setting, reference);
  const own = async () =>
    await runOurs(
      setting,
      'verify',
      reference,
      '--allow-local-trust',
      '--issuer',
      setting.bench.identity.issuer,
      '--identity',
      setting.bench.identity.subject,
      ...types.flatMap(type => ['--type', type]),
    );
  const theirs = async () => {
    const flags = [...rootFlags(setting.bench), ...identityFlags(setting.bench), reference];
    await runTheirs(setting, 'verify', ...flags);
    for (const type of types) await runTheirs(setting, 'verify-attestation', '--type', type, ...flags);
  };
  return await compare('verify a signature and 3 attestations, whole processes', 10, own, theirs);
}

async function signRow(setting: Setting): Promise<Row> {
  const { registry, bench } = setting;
  const mine = await registry.image('bench/sign-ours');
  const other = await registry.image('bench/sign-theirs');
  const local = ['--local', '--identity-token', 'token', '--shape', 'bundle'];
  const own = async () => {
    await runOurs(setting, 'sign', mine.reference, ...local);
    await runOurs(
      setting,
      'attest',
      mine.reference,
      ...local,
      ...types.flatMap(type => ['--predicate', `${type}=predicate.json`]),
    );
  };
  const theirs = async () => {
    const flags = [
      '--yes',
      '--identity-token',
      'token',
      '--signing-config',
      join(bench.data, 'signing_config.json'),
      ...rootFlags(bench),
      other.reference,
    ];
    await runTheirs(setting, 'sign', ...flags);
    for (const type of types)
      await runTheirs(setting, 'attest', '--type', type, '--predicate', 'predicate.json', ...flags);
  };
  return await compare('sign, log and attest three predicates, whole processes', 5, own, theirs);
}

/** Without a registry in between: what was collected is judged again and again. */
async function manyRow({ bench, registry }: Setting): Promise<Row> {
  const { reference, digest } = await registry.image('bench/many');
  await prepare({ bench, registry }, reference);
  const access = new RegistryAccess({ env: {} });
  const items: RawEvidence[] = [];
  for await (const found of collectEvidence((await open(reference, access)).registry, digest)) {
    if ('raw' in found) items.push(found.raw);
  }
  access.close();
  const root = parseTrustRoot('local:bench', JSON.stringify(bench.sigstore.trustedRoot));
  const expected = { digest, identities: [bench.identity], trust: { allowLocal: true } };
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

async function imagesRow({ bench, registry }: Setting): Promise<Row> {
  const { reference } = await registry.image('bench/images');
  await prepare({ bench, registry }, reference);
  const verify = async () => {
    const { verdict } = await verifyImage({
      image: reference,
      env: {},
      identities: [bench.identity],
      allowLocalTrust: true,
      local: { folder: bench.data },
      predicateTypes: types,
    });
    if (verdict !== 'accepted') throw new Error(verdict);
  };
  for (let n = 0; n < 5; n++) await verify();
  const start = performance.now();
  for (let n = 0; n < 50; n++) await verify();
  const ours = (performance.now() - start) / 50;
  return {
    what: 'verify one image, signature and 3 attestations in both forms, one process',
    ours,
    peer: 25,
    peerName: 'budget',
    unit: 'ms',
    ratio: 25 / ours,
    target: 1,
    ok: ours <= 25,
  };
}

async function concurrentRow(setting: Setting): Promise<Row> {
  const { reference } = await setting.registry.image('bench/at-once');
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
    identities: [setting.bench.identity],
    allowLocalTrust: true,
    local: { folder: setting.bench.data },
    signature: false,
  });
  const found = targets.flatMap(({ items }) => items).filter(({ verified }) => verified).length;
  return budget(`attestations kept of ${writers} processes at once, both forms`, found, writers * 2, '');
}

async function prepare({ bench }: Setting, image: string): Promise<void> {
  const o = { image, env: {}, local: { folder: bench.data } };
  await signImage(o);
  await attestImage({
    ...o,
    predicates: types.map(type => ({ type, file: join(bench.folder, 'predicate.json') })),
  });
}

/** In turns, so that a machine that slows down slows both; medians, because noise only adds. */
async function compare(
  what: string,
  target: number,
  own: () => Promise<void>,
  theirs: () => Promise<void>,
): Promise<Row> {
  if (findPeer('cosign3') === undefined) throw new Error('needs cosign3');
  const [ours, peer]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < runs; turn++) {
    ours.push(await time(own));
    peer.push(await time(theirs));
  }
  const [a, b] = [median(ours), median(peer)];
  return {
    what,
    ours: a,
    peer: b,
    peerName: 'cosign 3.1',
    unit: 'ms',
    ratio: b / a,
    target,
    ok: b / a >= target,
  };
}

async function runOurs({ bench }: Setting, ...args: readonly string[]): Promise<void> {
  const env = { HOME: bench.folder, PATH: process.env.PATH, CG_SIGSTORE_DATA: bench.data };
  await start(process.execPath, [cg, ...args, '--quiet'], env, bench.folder);
}

async function runTheirs({ bench }: Setting, ...args: readonly string[]): Promise<void> {
  await start(
    findPeer('cosign3') ?? 'cosign3',
    args,
    { HOME: bench.folder, PATH: '', HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1' },
    bench.folder,
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

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
