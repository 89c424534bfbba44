import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/ground/process/run.ts';
import { type RunningRegistry, startRegistry } from '../../src/image/oci/server/start-registry.ts';
import { type Descriptor, mediaTypes } from '../../src/model/descriptor.ts';
import { bundleMediaType } from '../../src/trust/attest/bundle/bundle.ts';
import { formatBundle } from '../../src/trust/attest/bundle/format-bundle.ts';
import { type LegacyLayer, legacyFromBundle } from '../../src/trust/attest/bundle/legacy-layers.ts';
import { githubClaims } from '../../src/trust/attest/local-sigstore/identity/development-identity.ts';
import { type SignedBundle, signMessage, signStatement } from '../../src/trust/attest/sign.ts';
import { formatSimpleSigning } from '../../src/trust/attest/simple-signing.ts';
import { buildStatement, formatImageSignature, formatStatement } from '../../src/trust/attest/statement.ts';
import { judgeItem, type RawEvidence } from '../../src/trust/attest/verify/judge.ts';
import { type EvidenceLab, openEvidenceLab } from '../evidence.ts';
import { call } from '../http-call.ts';
import { findPeer } from '../peers.ts';
import {
  Client,
  descriptorOf,
  digestOf,
  makeImage,
  type SampleImage,
  seededRandom,
} from '../registry-content.ts';

const predicateType = 'https://example.com/predicate/v1';
const random = seededRandom(99);
let lab: EvidenceLab;
let registry: RunningRegistry;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cg-cosign-image-'));
  lab = await openEvidenceLab({ folder: join(folder, 'sigstore') });
  registry = await startRegistry({ data: join(folder, 'registry'), host: '127.0.0.1', port: 0 });
  writeFileSync(join(folder, 'predicate.json'), '{"answer":42}');
});

afterAll(async () => {
  await lab.sigstore.close();
  await registry.close();
});

const client = (repository: string) => new Client(registry.url, repository);

async function pushBlob(repository: string, bytes: Buffer): Promise<void> {
  expect((await client(repository).pushBlob(bytes)).status).toBe(201);
}

async function pushManifest(repository: string, reference: string, manifest: object): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  expect((await client(repository).pushManifest(reference, bytes)).status).toBe(201);
}

async function pushImage(repository: string): Promise<SampleImage> {
  const image = makeImage(random);
  expect((await client(repository).pushImage(image)).status).toBe(201);
  return image;
}

const fallbackTag = (image: SampleImage, suffix: string) => `${image.digest.replace(':', '-')}.${suffix}`;

async function pushLegacy(
  repository: string,
  image: SampleImage,
  suffix: 'sig' | 'att',
  layer: LegacyLayer,
): Promise<void> {
  const { bytes, mediaType, annotations } = layer;
  const config = Buffer.from(
    JSON.stringify({
      architecture: '',
      created: '0001-01-01T00:00:00Z',
      history: [{ created: '0001-01-01T00:00:00Z' }],
      os: '',
      rootfs: { type: 'layers', diff_ids: [digestOf(bytes)] },
      config: {},
    }),
  );
  await pushBlob(repository, bytes);
  await pushBlob(repository, config);
  const layers = [{ ...descriptorOf(bytes, mediaType), annotations }];
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptorOf(config, mediaTypes.config),
    layers,
  };
  await pushManifest(repository, fallbackTag(image, suffix), manifest);
}

async function pushReferrer(
  repository: string,
  image: SampleImage,
  signed: SignedBundle,
  type: string,
): Promise<void> {
  const [bytes, config] = [Buffer.from(formatBundle(signed.bundle)), Buffer.from('{}')];
  await pushBlob(repository, bytes);
  await pushBlob(repository, config);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: bundleMediaType,
    config: descriptorOf(config, mediaTypes.empty),
    layers: [descriptorOf(bytes, bundleMediaType)],
    subject: descriptorOf(image.manifest, mediaTypes.manifest),
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': type,
      'org.opencontainers.image.created': '2026-01-01T00:00:00Z',
    },
  };
  await pushManifest(repository, digestOf(JSON.stringify(manifest)), manifest);
}

async function readManifest(
  repository: string,
  reference: string,
): Promise<{ layers: Descriptor[] } | undefined> {
  const reply = await call(registry.url, 'GET', `/v2/${repository}/manifests/${reference}`, {
    headers: { accept: mediaTypes.manifest },
  });
  return reply.status === 200 ? (reply.json() as unknown as { layers: Descriptor[] }) : undefined;
}

async function readBlob(repository: string, digest: string): Promise<Buffer> {
  return (await call(registry.url, 'GET', `/v2/${repository}/blobs/${digest}`)).body;
}

/** Everything that is attached to the image, in both forms, as a collector would find it. */
async function collect(repository: string, image: SampleImage): Promise<RawEvidence[]> {
  const found: RawEvidence[] = [];
  for (const store of ['sig', 'att'] as const) {
    const manifest = await readManifest(repository, fallbackTag(image, store));
    for (const [n, { digest, mediaType, annotations = {} }] of (manifest?.layers ?? []).entries()) {
      found.push({
        id: `${store}#${n}`,
        store,
        form: 'layer',
        layer: { mediaType, annotations, bytes: await readBlob(repository, digest) },
      });
    }
  }
  const list = await call(registry.url, 'GET', `/v2/${repository}/referrers/${image.digest}`);
  for (const { digest } of list.json()['manifests'] as Descriptor[]) {
    const [layer] = (await readManifest(repository, digest))?.layers ?? [];
    if (layer === undefined) continue;
    found.push({
      id: `referrer:${digest}`,
      store: 'referrer',
      form: 'bundle',
      bytes: await readBlob(repository, layer.digest),
    });
  }
  return found;
}

async function cosign(version: string, ...args: readonly string[]) {
  const sigstore = join(folder, 'sigstore');
  const finished = await run({
    program: findPeer(version) ?? version,
    args,
    cwd: folder,
    timeLimit: 60_000,
    env: {
      HOME: folder,
      PATH: '',
      SIGSTORE_ROOT_FILE: join(sigstore, 'fulcio.pem'),
      SIGSTORE_REKOR_PUBLIC_KEY: join(sigstore, 'rekor.pub'),
      SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: join(sigstore, 'ctfe.pub'),
      HTTPS_PROXY: 'http://127.0.0.1:9',
      NO_PROXY: '127.0.0.1',
    },
  });
  return { code: finished.code, text: finished.stdout.toString() + finished.stderr.toString() };
}

const root = () => ['--trusted-root', join(folder, 'sigstore', 'trusted_root.json')];
const token = () => ['--yes', '--identity-token', lab.sigstore.mintToken(githubClaims())];
const identity = (subject = lab.identity.subject ?? '') => [
  '--certificate-identity',
  subject,
  '--certificate-oidc-issuer',
  lab.sigstore.issuer,
];
const reference = (repository: string, image: SampleImage) =>
  `${new URL(registry.url).host}/${repository}@${image.digest}`;
const attestation = ['--type', predicateType, '--predicate', 'predicate.json'];

/** How each version writes each form. */
const writers = [
  ['cosign2', 'legacy', () => ['--fulcio-url', lab.sigstore.url, '--rekor-url', lab.sigstore.url]],
  [
    'cosign3',
    'legacy',
    () => [
      '--use-signing-config=false',
      '--new-bundle-format=false',
      '--fulcio-url',
      lab.sigstore.url,
      '--rekor-url',
      lab.sigstore.url,
      ...root(),
    ],
  ],
  [
    'cosign3',
    'bundle',
    () => ['--signing-config', join(folder, 'sigstore', 'signing_config.json'), ...root()],
  ],
] as const;

for (const [version, form, flags] of writers) {
  const isThere = findPeer(version) !== undefined;
  describe.skipIf(!isThere)(
    `${version} writes the ${form} form${isThere ? '' : ` [needs ${version}]`}`,
    () => {
      it('and we accept its signature and its attestation, each as what it is', async () => {
        const repository = `theirs/${version}-${form}`;
        const image = await pushImage(repository);
        const signed = await cosign(version, 'sign', ...token(), ...flags(), reference(repository, image));
        expect(signed.code, signed.text).toBe(0);
        const attested = await cosign(
          version,
          'attest',
          ...token(),
          ...flags(),
          ...attestation,
          reference(repository, image),
        );
        expect(attested.code, attested.text).toBe(0);
        const items = (await collect(repository, image)).map(item =>
          judgeItem(item, lab.expect({ digest: image.digest }), { roots: [lab.root] }),
        );
        expect(
          items
            .map(({ kind, verified, reasons }) => ({ kind, verified, reasons }))
            .toSorted((a, b) => b.kind.localeCompare(a.kind)),
        ).toEqual([
          { kind: 'signature', verified: true, reasons: [] },
          { kind: 'attestation', verified: true, reasons: [] },
        ]);
      });
    },
  );
}

async function signAndPush(repository: string): Promise<SampleImage> {
  const image = await pushImage(repository);
  const signer = await lab.run();
  const name = `${new URL(registry.url).host}/${repository}`;
  const statement = buildStatement({ name, digest: image.digest, predicateType, predicate: { answer: 42 } });
  const legacy = { ...lab.place('v1'), log: 'v1' } as const;
  const sig = await signMessage(signer, formatSimpleSigning(name, image.digest), legacy);
  await pushLegacy(repository, image, 'sig', legacyFromBundle(sig.bundle, sig.issuers, undefined));
  const att = await signStatement(signer, formatStatement(statement, 'v01'), legacy);
  await pushLegacy(repository, image, 'att', legacyFromBundle(att.bundle, att.issuers, predicateType));
  const signature = await signStatement(signer, formatImageSignature(image.digest), lab.place());
  await pushReferrer(repository, image, signature, 'https://sigstore.dev/cosign/sign/v1');
  await pushReferrer(
    repository,
    image,
    await signStatement(signer, formatStatement(statement), lab.place()),
    predicateType,
  );
  return image;
}

const readers = [
  ['cosign2', 'legacy', () => []],
  ['cosign3', 'legacy', () => ['--new-bundle-format=false', ...root()]],
  ['cosign3', 'bundle', () => root()],
] as const;

for (const [version, form, flags] of readers) {
  const isThere = findPeer(version) !== undefined;
  describe.skipIf(!isThere)(
    `${version} reads the ${form} form${isThere ? '' : ` [needs ${version}]`}`,
    () => {
      it('and accepts what we write in both forms, for the right identity only', async () => {
        const repository = `ours/${version}-${form}`;
        const image = await signAndPush(repository);
        const check = (command: readonly string[], subject?: string) =>
          cosign(version, ...command, ...flags(), ...identity(subject), reference(repository, image));
        for (const command of [['verify'], ['verify-attestation', '--type', predicateType]]) {
          const accepted = await check(command);
          expect(accepted.code, accepted.text).toBe(0);
          expect((await check(command, 'https://github.com/example/other')).code).not.toBe(0);
        }
      });
    },
  );
}
