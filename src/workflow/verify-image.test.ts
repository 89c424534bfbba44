import { generateKeyPairSync } from 'node:crypto';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../test/cli/pretend.ts';
import { faultOf } from '../../test/faults.ts';
import { pushImage, referrerOf } from '../../test/images.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../../test/signing-place.ts';
import { flipSignature, storeChanged as store } from '../../test/stored-bundle.ts';
import { inParallel } from '../ground/process/in-parallel.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import { open } from '../image/oci/open.ts';
import { githubClaims } from '../trust/attest/local-sigstore/identity/development-identity.ts';
import { attestImage } from './attest-image.ts';
import { copyImage } from './copy-image.ts';
import { signImage } from './sign-image.ts';
import { type VerifyImageOptions, verifyImage } from './verify-image.ts';

const review = 'https://example.com/review/v1';
let bench: SigningBench;
let registry: TestRegistry;
const access = new RegistryAccess({ env: {} });

beforeAll(async () => {
  bench = await openSigningBench();
  registry = await openTestRegistry();
  bench.write('predicate.json', { answer: 42 });
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  access.close();
  await registry.stop();
  await bench.close();
});

const storeChanged = (reference: string, change: (text: string) => string, about = reference) =>
  store(access, reference, change, about);
const local = (image: string) => ({ image, env: {}, local: { folder: bench.data } });
const sign = (image: string, more: object = {}) => signImage({ ...local(image), ...more });
const attest = (image: string, type = review) =>
  attestImage({ ...local(image), predicates: [{ type, file: join(bench.folder, 'predicate.json') }] });
const verify = (image: string, more: Partial<VerifyImageOptions> = {}) =>
  verifyImage({ ...local(image), identities: [bench.identity], allowLocalTrust: true, ...more });
const flags = () => [
  '--issuer',
  bench.identity.issuer,
  '--identity',
  bench.identity.subject,
  '--allow-local-trust',
  '--sigstore-data',
  bench.data,
];
const cli = (...words: string[]) => runCli(['verify', ...words, ...flags()], { env: { HOME: bench.folder } });

describe('verifying', () => {
  it('accepts a signature by the right signer and says who, when, where it is logged and who vouches', async () => {
    const { reference, digest } = await registry.image('verify/good');
    await sign(reference);
    const result = await verify(reference);
    expect(result).toMatchObject({ digest, verdict: 'accepted', production: false });
    for (const item of result.targets[0]?.items ?? []) {
      expect(item).toMatchObject({
        verified: true,
        kind: 'signature',
        signer: bench.identity,
        trust: 'local:sigstore',
        reasons: [],
        log: { index: expect.any(Number) },
      });
      expect(item.times.length).toBeGreaterThan(0);
    }
  });

  it('tells nothing found from found and rejected from forged from not looked, also by exit code', async () => {
    const none = await registry.image('verify/none');
    const strange = await registry.image('verify/strange');
    const forged = await registry.image('verify/forged');
    const model = await registry.image('verify/model');
    await sign(strange.reference, {
      env: { SIGSTORE_ID_TOKEN: bench.token(githubClaims({ repository: 'evil/shop' })) },
    });
    await sign(model.reference, { shape: 'bundle' });
    await storeChanged(model.reference, flipSignature, forged.reference);
    const good = await cli(model.reference);
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('NOT FOR PRODUCTION')]);
    const nothing = await cli(none.reference);
    expect([nothing.code, nothing.stdout]).toEqual([1, expect.stringContaining('no evidence was found')]);
    const rejected = await cli(strange.reference);
    expect([rejected.code, rejected.stdout]).toEqual([
      1,
      expect.stringContaining('evidence was found, and it is not what is required'),
    ]);
    expect(rejected.stdout).toMatch(/wanted {2}.*example\/shop.*\n.*got {5}.*evil\/shop/);
    const fake = await cli(forged.reference);
    expect([fake.code, fake.stdout]).toEqual([4, expect.stringContaining('forged or damaged')]);
    const away = await cli('127.0.0.1:1/no/such:1');
    expect([away.code, away.stdout]).toEqual([3, '']);
  });

  it('calls the signature of a key that nobody accepts foreign, not forged', async () => {
    const { reference } = await registry.image('verify/keyed');
    const [own, other] = ['own', 'other'].map(name => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      bench.write(`${name}.key`, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
      return bench.write(`${name}.pub`, pair.publicKey.export({ format: 'pem', type: 'spki' }).toString());
    });
    for (const shape of ['bundle', 'legacy'] as const)
      await sign(reference, { key: join(bench.folder, 'own.key'), shape });
    const trust = ['--allow-local-trust', '--sigstore-data', bench.data];
    const ask = (...words: string[]) =>
      runCli(['verify', reference, ...words, ...trust], { env: { HOME: bench.folder } });
    expect((await ask('--key', own ?? '')).code).toBe(0);
    const foreign = await ask('--key', other ?? '');
    expect([foreign.code, foreign.stdout]).toEqual([
      1,
      expect.stringContaining('not signed by an accepted key'),
    ]);
    expect((await cli(reference)).code).toBe(1);
    expect((await ask('--key', own ?? '', '--claim', 'sourceRepositoryRef=refs/heads/main')).code).toBe(2);
    expect((await cli(reference, '--claim', 'a=1', '--claim', 'a=2')).code).toBe(2);
  });

  it('never counts an attestation as a signature, nor a signature as an attestation', async () => {
    const attested = await registry.image('verify/attested');
    await attest(attested.reference);
    expect(await verify(attested.reference)).toMatchObject({
      verdict: 'rejected',
      targets: [{ missing: [{ what: 'signature' }] }],
    });
    expect((await verify(attested.reference, { signature: false, predicateTypes: [review] })).verdict).toBe(
      'accepted',
    );
    const signed = await registry.image('verify/signed');
    await sign(signed.reference);
    const missing = [{ what: review, wanted: 1, got: 0 }];
    expect(await verify(signed.reference, { predicateTypes: [review] })).toMatchObject({
      verdict: 'rejected',
      targets: [{ missing }],
    });
    const own = 'https://sigstore.dev/cosign/sign/v1';
    expect((await verify(signed.reference, { predicateTypes: [own] })).verdict).toBe('rejected');
  });

  it('judges every item alone: one bad item never hides a good one', async () => {
    const { reference } = await registry.image('verify/mixed');
    await sign(reference);
    await storeChanged(reference, flipSignature);
    await storeChanged(reference, () => 'not even JSON');
    await storeChanged(reference, text => text.replace('bundle.v0.3', 'bundle.v9.9'));
    const { verdict, targets } = await verify(reference);
    expect(verdict).toBe('accepted');
    const items = targets[0]?.items ?? [];
    expect(items.filter(({ verified }) => verified)).toHaveLength(2);
    expect(items.filter(({ verified }) => !verified).map(({ reasons }) => reasons[0]?.code)).toEqual(
      expect.arrayContaining(['signature', 'malformed', 'malformed']),
    );
  });

  it('does not take the evidence of another image', async () => {
    const one = await registry.image('verify/one');
    const two = await registry.image('verify/two');
    await sign(one.reference);
    await storeChanged(one.reference, text => text, two.reference);
    const { verdict, targets } = await verify(two.reference);
    expect([verdict, targets[0]?.items[0]?.reasons[0]]).toMatchObject([
      'rejected',
      { code: 'subject', wanted: two.digest, got: one.digest },
    ]);
  });

  it('takes no evidence of a local Sigstore unless that is said', async () => {
    const { reference } = await registry.image('verify/local');
    await sign(reference);
    const trustedRoots = [join(bench.data, 'trusted_root.json')];
    for (const more of [{}, { trustedRoots }, { trustedRoots: [`prod=${trustedRoots[0]}`] }]) {
      const { verdict, targets, production } = await verify(reference, { allowLocalTrust: false, ...more });
      expect([verdict, production, targets[0]?.items[0]?.reasons[0]?.code]).toEqual([
        'rejected',
        true,
        'local-trust',
      ]);
    }
  });

  it('refuses a root into which a local Sigstore was merged', async () => {
    const root = structuredClone(bench.sigstore.trustedRoot) as { certificateAuthorities: object[] };
    const { default: shipped } = await import('../trust/attest/trust-root/public-good.json', {
      with: { type: 'json' },
    });
    root.certificateAuthorities.push(...shipped.trustedRoot.certificateAuthorities);
    const trustedRoots = [bench.write('merged.json', root)];
    expect(await faultOf(verify('127.0.0.1:1/x', { trustedRoots }))).toMatchObject({
      code: 'TRUST_ROOT_INVALID',
    });
  });

  it('refuses a root into which only the logs of the local Sigstore were merged', async () => {
    const { default: shipped } = await import('../trust/attest/trust-root/public-good.json', {
      with: { type: 'json' },
    });
    const local = bench.sigstore.trustedRoot as { tlogs: object[] };
    const root = { ...shipped.trustedRoot, tlogs: [...shipped.trustedRoot.tlogs, ...local.tlogs] };
    const trustedRoots = [`corp=${bench.write('merged-logs.json', root)}`];
    expect(await faultOf(verify('127.0.0.1:1/x', { trustedRoots }))).toMatchObject({
      code: 'TRUST_ROOT_INVALID',
      message: expect.stringContaining('local Sigstore'),
    });
  });

  it('compares claims of the certificate by name', async () => {
    const { reference } = await registry.image('verify/claims');
    await sign(reference);
    const withClaim = (value: string) =>
      verify(reference, { identities: [{ ...bench.identity, claims: { sourceRepositoryRef: value } }] });
    expect((await withClaim('refs/heads/main')).verdict).toBe('accepted');
    const { verdict, targets } = await withClaim('refs/heads/release');
    expect([verdict, targets[0]?.items[0]?.reasons[0]]).toMatchObject([
      'rejected',
      { code: 'claim', wanted: 'refs/heads/release', got: 'refs/heads/main' },
    ]);
  });

  it('anchors patterns', async () => {
    const { reference } = await registry.image('verify/patterns');
    await sign(reference);
    const withPattern = (subjectRegExp: string) =>
      verify(reference, { identities: [{ issuer: bench.identity.issuer, subjectRegExp }] });
    expect((await withPattern('https://github\\.com/example/.*')).verdict).toBe('accepted');
    expect((await withPattern('https://github\\.com/example')).verdict).toBe('rejected');
  });

  it('counts different signers, and one signer once', async () => {
    const { reference } = await registry.image('verify/threshold');
    await sign(reference);
    await sign(reference);
    const second = {
      ...bench.identity,
      subject: bench.identity.subject.replace('example/shop', 'example/audit'),
    };
    const both = { identities: [bench.identity, second], threshold: 2 };
    expect(await verify(reference, both)).toMatchObject({
      verdict: 'rejected',
      targets: [{ missing: [{ what: 'signature', wanted: 2, got: 1 }] }],
    });
    await sign(reference, {
      env: { SIGSTORE_ID_TOKEN: bench.token(githubClaims({ repository: 'example/audit' })) },
    });
    expect((await verify(reference, both)).verdict).toBe('accepted');
  });

  it('wants every platform to pass on its own, when asked', async () => {
    const { reference } = await registry.index('verify/platforms');
    await sign(reference);
    expect((await verify(reference)).verdict).toBe('accepted');
    const { verdict, targets } = await verify(reference, { recursive: true });
    expect([verdict, targets.map(target => target.verdict)]).toEqual([
      'not-found',
      ['accepted', 'not-found', 'not-found'],
    ]);
    await sign(reference, { recursive: true });
    expect((await verify(reference, { recursive: true })).verdict).toBe('accepted');
  });

  it('wants as many logs and times as it is told', async () => {
    const { reference } = await registry.image('verify/demands');
    await sign(reference);
    expect((await verify(reference, { times: 1, logEntries: 1 })).verdict).toBe('accepted');
    expect((await verify(reference, { times: 3 })).verdict).toBe('rejected');
    expect((await verify(reference, { logEntries: 2 })).verdict).not.toBe('accepted');
  });

  it('opens no socket offline', async () => {
    const { reference } = await registry.image('verify/offline');
    await sign(reference);
    await attest(reference);
    const folder = `oci:${join(bench.folder, 'offline')}`;
    await copyImage({ env: {}, source: reference, target: `${folder}:1` });
    const opened = vi.spyOn(Socket.prototype, 'connect');
    const result = await verify(`${folder}:1`, { offline: true, predicateTypes: [review] });
    expect([result.verdict, result.targets[0]?.items.length]).toEqual(['accepted', 4]);
    expect(await faultOf(verify(reference, { offline: true }))).toMatchObject({ code: 'OFFLINE' });
    expect(opened).not.toHaveBeenCalled();
    // The guard sees what it shall see.
    connect({ port: 1, host: '127.0.0.1' }).on('error', () => undefined);
    expect(opened).toHaveBeenCalledTimes(1);
  });

  it('stays bounded with a thousand referrers, and finds the signature among them', async () => {
    const { reference, digest } = await registry.image('verify/crowd');
    const { registry: store } = await open(reference, access);
    const subject = await store.manifest(digest);
    const noise = Array.from({ length: 1_000 }, (_, n) =>
      referrerOf(subject, 'application/x.noise', `noise ${n}`),
    );
    await inParallel(noise, 6, async image => await pushImage(store, image));
    await sign(reference);
    const before = process.memoryUsage().heapUsed;
    const { verdict, targets } = await verify(reference);
    expect([verdict, targets[0]?.items.length]).toEqual(['accepted', 1_002]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024);
  }, 60_000);

  it('says which evidence is not signed at all', async () => {
    const { reference, digest } = await registry.image('verify/unsigned');
    const { registry: store } = await open(reference, access);
    await pushImage(store, referrerOf(await store.manifest(digest), 'application/spdx+json'));
    const { verdict, targets } = await verify(reference);
    expect([verdict, targets[0]?.items[0]?.reasons[0]?.code]).toEqual(['not-found', 'unsigned']);
  });
});
