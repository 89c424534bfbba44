import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../test/faults.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../../test/signing-place.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import { parseContent } from '../image/oci/content.ts';
import { open } from '../image/oci/open.ts';
import type { Registry } from '../image/oci/registry.ts';
import { collect } from '../image/oci/verified.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { parseBundle } from '../trust/attest/bundle/parse-bundle.ts';
import { githubClaims, gitlabClaims } from '../trust/attest/local-sigstore/identity/development-identity.ts';
import { startLocalSigstore } from '../trust/attest/local-sigstore/start.ts';
import { encryptCosignKey } from '../trust/attest/signers/cosign-key.ts';
import { sendBundle } from '../trust/attest/storage/store-bundle.ts';
import { attestImage } from './attest-image.ts';
import { copyImage } from './copy-image.ts';
import { storeSigned } from './evidence/store-signed.ts';
import { type SigningEvent, signImage } from './sign-image.ts';
import { verifyImage } from './verify-image.ts';

let bench: SigningBench;
let registry: TestRegistry;
const access = new RegistryAccess({ env: {} });

beforeAll(async () => {
  bench = await openSigningBench();
  registry = await openTestRegistry();
  bench.write('predicate.json', { answer: 42 });
});
afterAll(async () => {
  access.close();
  await registry.stop();
  await bench.close();
});

const local = (image: string) => ({ image, env: {}, local: { folder: bench.data } });
const predicates = (type = 'https://example.com/review/v1') => [
  { type, file: join(bench.folder, 'predicate.json') },
];
const storeOf = async (reference: string): Promise<Registry> => (await open(reference, access)).registry;

async function bundlesOf(reference: string, digest: string) {
  const store = await storeOf(reference);
  const found = [];
  for (const entry of await store.referrers(digest as `sha256:${string}`)) {
    for (const layer of await layersOf(store, entry.digest))
      found.push(parseBundle(await collect(store.blob(layer))));
  }
  return found;
}

async function layersOf(store: Registry, reference: string): Promise<readonly Descriptor[]> {
  const content = parseContent(await store.manifest(reference));
  return content.kind === 'manifest' ? content.layers : [];
}

const logSize = async (): Promise<number> =>
  ((await (await fetch(`${bench.sigstore.url}/api/v1/log`)).json()) as { treeSize: number }).treeSize;

describe('signing', () => {
  it('looks the tag up once, says the digest and then the signer, and signs the digest', async () => {
    const { digest } = await registry.image('sign/once');
    const events: SigningEvent[] = [];
    const signed = await signImage({
      ...local(`${registry.host}/sign/once:1`),
      onEvent: event => events.push(event),
    });
    expect(events.map(({ kind }) => kind)).toEqual(['resolved', 'signer']);
    expect(events[0]).toMatchObject({ digests: [digest] });
    expect(events[1]).toMatchObject({ signer: bench.identity, trust: 'local:sigstore' });
    expect(signed).toMatchObject({ digest, stored: [{ digest, tags: [`${digest.replace(':', '-')}.sig`] }] });
  });

  it('says who signs before anything is signed', async () => {
    const { reference } = await registry.image('sign/said');
    const before = await logSize();
    const stop = new Error('stopped when the signer was said');
    const onEvent = ({ kind }: SigningEvent) => {
      if (kind === 'signer') throw stop;
    };
    await expect(signImage({ ...local(reference), onEvent })).rejects.toBe(stop);
    expect(await logSize()).toBe(before);
  });

  it('signs an index and every platform of it with one certificate', async () => {
    const { reference } = await registry.index('sign/all');
    const { stored } = await signImage({ ...local(reference), recursive: true });
    expect(stored.map(({ platform }) => platform)).toEqual([undefined, 'linux/amd64', 'linux/arm64']);
    const bundles = (await Promise.all(stored.map(({ digest }) => bundlesOf(reference, digest)))).flat();
    const leaves = bundles.map(({ material }) =>
      material.kind === 'certificate' ? material.leaf.toString('hex') : '',
    );
    expect([leaves.length, new Set(leaves).size]).toEqual([3, 1]);
  });

  it('signs only the index without being asked for more', async () => {
    const { reference, digest } = await registry.index('sign/index');
    expect((await signImage(local(reference))).stored.map(stored => stored.digest)).toEqual([digest]);
  });

  it.each([
    ['bundle', 1, false],
    ['legacy', 0, true],
  ] as const)('writes one form when one is asked for: %s', async (shape, referrers, hasTag) => {
    const { reference, digest } = await registry.image(`sign/${shape}`);
    await signImage({ ...local(reference), shape });
    const store = await storeOf(reference);
    expect((await store.referrers(digest)).length).toBe(referrers);
    expect((await store.head(`${digest.replace(':', '-')}.sig`)) !== undefined).toBe(hasTag);
  });

  it('leaves the old form out with a warning where there is no log for it, and refuses it when it alone is wanted', async () => {
    const { reference } = await registry.image('sign/newest');
    const choice = {
      image: reference,
      env: { SIGSTORE_ID_TOKEN: bench.token() },
      signingConfig: join(bench.data, 'signing_config.json'),
      trustedRoot: join(bench.data, 'trusted_root.json'),
    };
    const events: SigningEvent[] = [];
    const { stored } = await signImage({ ...choice, onEvent: event => events.push(event) });
    expect(events.filter(({ kind }) => kind === 'warning')).toHaveLength(1);
    expect(stored[0]).toMatchObject({ tags: [], referrers: [expect.any(String)] });
    expect(await faultOf(signImage({ ...choice, shape: 'legacy' }))).toMatchObject({ code: 'USAGE' });
  });

  it('refuses to sign as somebody whom nobody expects, before anything is logged', async () => {
    const { reference, digest } = await registry.image('sign/unwanted');
    const before = await logSize();
    const expected = [{ ...bench.identity, subject: 'https://github.com/example/other' }];
    const fault = await faultOf(signImage({ ...local(reference), expected }));
    expect(fault).toMatchObject({ code: 'SIGNER_UNWANTED', kind: 'trust' });
    expect(fault.actual).toContain(bench.identity.subject);
    expect([await logSize(), (await (await storeOf(reference)).referrers(digest)).length]).toEqual([
      before,
      0,
    ]);
    await expect(signImage({ ...local(reference), expected: [bench.identity] })).resolves.toBeDefined();
  });

  it('stores nothing that the trust root of the services would not accept', async () => {
    const { reference, digest } = await registry.image('sign/foreign');
    const other = await startLocalSigstore({ project: 'other' });
    const trustedRoot = bench.write('other-root.json', other.trustedRoot);
    const choice = {
      env: { SIGSTORE_ID_TOKEN: bench.token() },
      signingConfig: join(bench.data, 'signing_config.v1-tsa.json'),
    };
    const fault = await faultOf(signImage({ image: reference, ...choice, trustedRoot }));
    await other.close();
    expect(fault.code).toBe('EVIDENCE_INVALID');
    expect(await (await storeOf(reference)).referrers(digest)).toEqual([]);
  });

  it('wants to know the trust root of a private Sigstore', async () => {
    const { reference } = await registry.image('sign/rootless');
    const fault = await faultOf(
      signImage({ image: reference, env: {}, fulcioUrl: bench.sigstore.url, rekorUrl: bench.sigstore.url }),
    );
    expect(fault).toMatchObject({ code: 'USAGE', expected: '--trusted-root FILE' });
  });

  it('finds out when a registry takes evidence and does not show it', async () => {
    const { reference, digest } = await registry.image('sign/forgetful');
    await signImage(local(reference));
    const [bundle] = await bundlesOf(reference, digest);
    if (bundle === undefined) throw new Error('nothing was signed');
    const store = await storeOf(reference);
    const { descriptor: subject } = await store.manifest(digest);
    store.referrers = () => Promise.resolve([]);
    const bundles = [{ sent: sendBundle(store, bundle), predicateType: 'x' }];
    const stored = storeSigned(store, [{ target: { subject }, bundles, layers: [] }], {
      createdAt: new Date(),
    });
    expect(await faultOf(stored)).toMatchObject({ code: 'REFUSED' });
  });
});

describe('who signs', () => {
  const services = () => ({
    fulcioUrl: bench.sigstore.url,
    rekorUrl: bench.sigstore.url,
    timestampUrl: `${bench.sigstore.url}/api/v1/timestamp`,
    trustedRoot: join(bench.data, 'trusted_root.json'),
  });

  it('is the job of GitHub Actions that may ask for a token', async () => {
    const { reference } = await registry.image('who/github');
    const server = createServer((request, response) => {
      const isRight =
        request.headers.authorization === `Bearer ${planted.token}` &&
        (request.url ?? '').includes('audience=sigstore');
      response.end(
        JSON.stringify({ value: isRight ? bench.token(githubClaims({ repository: 'shop/web' })) : '' }),
      );
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const env = {
      GITHUB_ACTIONS: 'true',
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: planted.token,
    };
    const { signer } = await signImage({ image: reference, env, ...services() });
    server.close();
    expect(signer).toMatchObject({
      subject: 'https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main',
    });
  });

  it('is the job of GitLab CI with an id_tokens block', async () => {
    const { reference } = await registry.image('who/gitlab');
    const env = { GITLAB_CI: 'true', SIGSTORE_ID_TOKEN: bench.token(gitlabClaims()) };
    const { signer } = await signImage({ image: reference, env, ...services() });
    expect(signer).toMatchObject({
      subject: 'https://gitlab.com/example/shop//.gitlab-ci.yml@refs/heads/main',
    });
  });

  it('is whoever the token in a file names', async () => {
    const { reference } = await registry.image('who/file');
    const identityToken = bench.write(
      'person.token',
      bench.token({ sub: 'me', email: 'me@example.com', email_verified: true }),
    );
    expect(
      (await signImage({ image: reference, env: {}, identityToken, ...services() })).signer,
    ).toMatchObject({
      subject: 'me@example.com',
      subjectKind: 'email',
    });
  });

  it.each([
    ['GitHub', { GITHUB_ACTIONS: 'true' }, /id-token: write/],
    ['GitLab', { GITLAB_CI: 'true' }, /id_tokens/],
    ['elsewhere', {}, /--key/],
  ])('says which line is missing: %s', async (_name, env, next) => {
    const { reference } = await registry.image('who/nobody');
    const fault = await faultOf(signImage({ image: reference, env, ...services() }));
    expect([fault.code, fault.next]).toEqual(['TOKEN_MISSING', expect.stringMatching(next)]);
  });

  it('never shows a token, whatever is wrong with it', async () => {
    const { reference } = await registry.image('who/secret');
    const payload = Buffer.from(
      JSON.stringify({
        aud: 'sigstore',
        sub: 'x',
        iss: 'https://nobody.example',
        exp: Date.now() / 1000 + 600,
      }),
    ).toString('base64url');
    const head = Buffer.from('{"alg":"ES256","kid":"x"}').toString('base64url');
    for (const token of [
      planted.identity,
      `${head}.${payload}.${planted.identity}`,
      `${head}.${planted.identity}.x`,
    ]) {
      const env = { SIGSTORE_ID_TOKEN: token };
      const fault = await faultOf(signImage({ image: reference, env, ...services() }));
      expect(['TOKEN_INVALID', 'SIGSTORE_REFUSED']).toContain(fault.code);
      expect(JSON.stringify({ ...fault, message: fault.message })).not.toContain(payload);
    }
  });

  it('is a key in a file, in the environment or behind a program, and needs nobody else', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const pub = bench.write('key.pub', publicKey.export({ format: 'pem', type: 'spki' }).toString());
    for (const [key, env] of [
      [bench.write('key.pem', pem), {}],
      ['env://SIGNING_KEY', { SIGNING_KEY: pem }],
    ] as const) {
      const { reference } = await registry.image(
        `who/key-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`,
      );
      const { signer, trust } = await signImage({ image: reference, env, key });
      expect(signer.kind).toBe('key');
      expect(trust).toMatch(/^key:[0-9a-f]{64}$/);
      const verified = await verifyImage({ image: reference, env: { HOME: bench.folder }, keys: [pub] });
      expect(verified).toMatchObject({ verdict: 'accepted', production: true });
      expect(verified.targets[0]?.items).toHaveLength(2);
    }
  });

  it('asks a program, and does not take what is no signature', async () => {
    const { reference } = await registry.image('who/program');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pub = bench.write('program.pub', publicKey.export({ format: 'pem', type: 'spki' }).toString());
    const choice = { image: reference, env: { PATH: process.env.PATH } };
    const lying = bench.write('sign.cjs', "process.stdin.resume().on('end', () => console.log('AAAA'))");
    const fault = await faultOf(
      signImage({ ...choice, key: `command:${process.execPath} ${lying}`, publicKey: pub }),
    );
    expect(fault.code).toBe('SIGNER_FAILED');
    expect(await faultOf(signImage({ ...choice, key: 'command:kms' }))).toMatchObject({ code: 'USAGE' });
  });
});

describe('secrets', () => {
  it('stand in no error: passwords, keys in the environment, what a signer program says', async () => {
    const { reference } = await registry.image('secret/web');
    const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    const key = bench.write('locked.key', await encryptCosignKey(pkcs8, 'another password'));
    const pub = bench.write(
      'secret.pub',
      generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .publicKey.export({ format: 'pem', type: 'spki' })
        .toString(),
    );
    const program = bench.write('loud.cjs', `console.error('${planted.token}'); process.exit(3)`);
    const attempts = [
      { key, env: { COSIGN_PASSWORD: planted.password } },
      {
        key: 'env://KEY',
        env: { KEY: `-----BEGIN PRIVATE KEY-----\n${planted.token}\n-----END PRIVATE KEY-----` },
      },
      { key: `command:${process.execPath} ${program}`, publicKey: pub, env: { PATH: process.env.PATH } },
      {
        key,
        env: { COSIGN_PASSWORD: 'another password' },
        username: 'user',
        password: planted.password,
        image: '127.0.0.1:1/x',
      },
    ];
    const codes: string[] = [];
    for (const attempt of attempts)
      codes.push((await faultOf(signImage({ image: reference, ...attempt }))).code);
    expect(codes).toEqual(['KEY_INVALID', 'KEY_INVALID', 'SIGNER_FAILED', 'NETWORK']);
  });
});

describe('offline', () => {
  it('a key signs what lies in a folder, and nothing else is signed', async () => {
    const { reference } = await registry.image('offline/web');
    const folder = `oci:${join(bench.folder, 'offline-folder')}:1`;
    await copyImage({ env: {}, source: reference, target: folder });
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = bench.write('offline.key', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
    const pub = bench.write('offline.pub', publicKey.export({ format: 'pem', type: 'spki' }).toString());
    await signImage({ image: folder, env: {}, offline: true, key });
    const verified = await verifyImage({
      image: folder,
      env: { HOME: bench.folder },
      offline: true,
      keys: [pub],
    });
    expect(verified.verdict).toBe('accepted');
    expect(await faultOf(signImage({ ...local(folder), offline: true }))).toMatchObject({ code: 'OFFLINE' });
  });
});

describe('attesting', () => {
  it('makes several statements with one certificate, in both forms', async () => {
    const { reference, digest } = await registry.image('attest/many');
    const several = ['a', 'b', 'c'].flatMap(word => predicates(`https://example.com/${word}/v1`));
    const { stored } = await attestImage({ ...local(reference), predicates: several });
    expect(stored[0]?.referrers).toHaveLength(3);
    const bundles = await bundlesOf(reference, digest);
    const leaves = bundles.map(({ material }) =>
      material.kind === 'certificate' ? material.leaf.toString('hex') : '',
    );
    expect([leaves.length, new Set(leaves).size]).toEqual([3, 1]);
    expect(await layersOf(await storeOf(reference), `${digest.replace(':', '-')}.att`)).toHaveLength(3);
  });

  it('signs the image as well when asked, with the same certificate', async () => {
    const { reference, digest } = await registry.image('attest/signed');
    await attestImage({ ...local(reference), predicates: predicates(), sign: true });
    const bundles = await bundlesOf(reference, digest);
    const leaves = bundles.map(({ material }) =>
      material.kind === 'certificate' ? material.leaf.toString('hex') : '',
    );
    expect([leaves.length, new Set(leaves).size]).toEqual([2, 1]);
    const trust = { identities: [bench.identity], allowLocalTrust: true };
    const verified = await verifyImage({
      ...local(reference),
      ...trust,
      predicateTypes: ['https://example.com/review/v1'],
    });
    expect([verified.verdict, verified.targets[0]?.items.length]).toEqual(['accepted', 4]);
  });

  it('writes the old statement into the old form, with the very bytes that the log knows', async () => {
    const { reference, digest } = await registry.image('attest/old');
    await attestImage({ ...local(reference), predicates: predicates() });
    const store = await storeOf(reference);
    const [layer] = await layersOf(store, `${digest.replace(':', '-')}.att`);
    if (layer === undefined) throw new Error('no layer');
    const bytes = await collect(store.blob(layer));
    const envelope = JSON.parse(bytes.toString()) as { payload: string };
    expect(JSON.parse(Buffer.from(envelope.payload, 'base64').toString())).toMatchObject({
      _type: 'https://in-toto.io/Statement/v0.1',
    });
    const logged = JSON.parse(layer.annotations?.['dev.sigstore.cosign/bundle'] ?? '{}') as {
      Payload: { body: string };
    };
    const body = JSON.parse(Buffer.from(logged.Payload.body, 'base64').toString()) as {
      kind: string;
      spec: { envelopeHash: { value: string } };
    };
    expect([body.kind, body.spec.envelopeHash.value]).toEqual([
      'dsse',
      createHash('sha256').update(bytes).digest('hex'),
    ]);
  });

  it('checks every predicate before anybody signs', async () => {
    const { reference, digest } = await registry.image('attest/bad');
    const before = await logSize();
    const bad = { type: 'slsaprovenance1', file: join(bench.folder, 'predicate.json') };
    const fault = await faultOf(attestImage({ ...local(reference), predicates: [...predicates(), bad] }));
    expect(fault.code).toBe('STATEMENT_INVALID');
    expect([await logSize(), (await (await storeOf(reference)).referrers(digest)).length]).toEqual([
      before,
      0,
    ]);
  });

  it.each([
    ['nonsense', 'USAGE'],
    ['https://sigstore.dev/cosign/sign/v1', 'USAGE'],
  ])('refuses the type %s', async (type, code) => {
    expect(
      await faultOf(attestImage({ ...local('127.0.0.1:1/x'), predicates: predicates(type) })),
    ).toMatchObject({ code });
  });

  it('takes a large SBOM', async () => {
    const { reference } = await registry.image('attest/large');
    const components = Array.from({ length: 40_000 }, (_, n) => ({
      type: 'library',
      name: `package-${n}`,
      version: '1.0.0',
      description: 'x'.repeat(100),
    }));
    const file = bench.write('sbom.json', { bomFormat: 'CycloneDX', specVersion: '1.6', components });
    await attestImage({ ...local(reference), predicates: [{ type: 'cyclonedx', file }] });
    const verified = await verifyImage({
      image: reference,
      env: {},
      identities: [bench.identity],
      allowLocalTrust: true,
      local: { folder: bench.data },
      signature: false,
      predicateTypes: ['https://cyclonedx.org/bom'],
    });
    expect(verified.verdict).toBe('accepted');
    expect(verified.targets[0]?.items).toHaveLength(2);
  }, 30_000);
});
