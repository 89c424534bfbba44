import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attestImage } from '../../src/workflow/attest-image.ts';
import { type CopiedImage, copyImage } from '../../src/workflow/copy-image.ts';
import { signImage } from '../../src/workflow/sign-image.ts';
import { verifyImage } from '../../src/workflow/verify-image.ts';
import { cosign, identityFlags, readers, writers } from '../cosign.ts';
import { findPeer } from '../peers.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../signing-place.ts';

const predicateType = 'https://example.com/review/v1';
const program = findPeer('docker-registry');
const withCosign = findPeer('cosign2') !== undefined && findPeer('cosign3') !== undefined;
const lacks = program === undefined ? ' [needs docker-registry]' : '';

let bench: SigningBench;
let registries: { api: TestRegistry; tag: TestRegistry };

beforeAll(async () => {
  if (program === undefined) return;
  bench = await openSigningBench();
  bench.write('review.json', { approved: true });
  registries = { api: await openTestRegistry(), tag: await openTestRegistry(program) };
});

afterAll(async () => {
  await registries?.api.stop();
  await registries?.tag.stop();
  await bench?.close();
});

const signing = (image: string) => ({ image, env: {}, local: { folder: bench.data }, recursive: true });
const trust = () => ({
  identities: [bench.identity],
  allowLocalTrust: true,
  local: { folder: bench.data },
  predicateTypes: [predicateType],
});

type Place = 'api' | 'tag' | 'layout';
const addressOf = (place: Place, name: string) =>
  place === 'layout' ? `oci:${join(bench.folder, name)}:1` : `${registries[place].host}/${name}:1`;

/** Signed by us on all platforms, and by cosign as well where there is one. */
async function prepare(place: 'api' | 'tag', name: string): Promise<string> {
  const { digest } = await registries[place].index(name);
  const tag = addressOf(place, name);
  await signImage(signing(tag));
  await attestImage({
    ...signing(tag),
    predicates: [{ type: predicateType, file: join(bench.folder, 'review.json') }],
  });
  if (withCosign) {
    for (const { version, flags } of writers.filter(({ form }) => form !== 'bundle, Rekor 1')) {
      const signed = await cosign(
        version,
        bench,
        'sign',
        '--yes',
        '--identity-token',
        bench.token(),
        ...flags(bench),
        `${tag.replace(/:1$/, '')}@${digest}`,
      );
      expect(signed.code, signed.text).toBe(0);
    }
  }
  return digest;
}

const copy = (source: string, target: string): Promise<CopiedImage> =>
  copyImage({ env: {}, source, target, verify: { ...trust(), recursive: true } });

describe.skipIf(program === undefined)(`copies keep evidence that verifies${lacks}`, () => {
  const routes: readonly (readonly [Place, ...Place[]])[] = [
    ['api', 'tag', 'api'],
    ['tag', 'api', 'tag'],
    ['api', 'layout', 'tag'],
    ['tag', 'layout', 'api'],
  ];

  it.each(routes)('from %s to %s and on to %s', async (first, ...others) => {
    const name = `way/${[first, ...others].join('-')}`;
    const digest = await prepare(first as 'api' | 'tag', name);
    let source = addressOf(first, name);
    const before = await itemsOf(source);
    for (const [step, place] of others.entries()) {
      const target = addressOf(place, `${name.replace('/', '-')}-${step}`);
      const copied = await copy(source, target);
      expect(copied).toMatchObject({ root: { digest }, conflicts: [], verified: before.length });
      expect(await itemsOf(target)).toEqual(before);
      const again = await copy(source, target);
      expect(again).toMatchObject({
        bytesSent: 0,
        manifests: { uploaded: 0 },
        blobs: { uploaded: 0, mounted: 0 },
      });
      if (place !== 'layout' && withCosign)
        await expectCosignsAccept(`${target.replace(/:1$/, '')}@${digest}`);
      if (place === 'tag') await expectTrueTypes(registries.tag, target, digest);
      source = target;
    }
  });

  it('what both sides have in the old form is merged, and nobody loses a signature', async () => {
    const digest = await prepare('api', 'merge/a');
    await copy(addressOf('api', 'merge/a'), addressOf('tag', 'merge/b'));
    const first = await itemsOf(addressOf('tag', 'merge/b'));
    // Each side is signed once more, on its own.
    await signImage(signing(addressOf('api', 'merge/a')));
    await signImage(signing(addressOf('tag', 'merge/b')));
    expect(await copy(addressOf('api', 'merge/a'), addressOf('tag', 'merge/b'))).toMatchObject({
      root: { digest },
      conflicts: [],
    });
    const items = await itemsOf(addressOf('tag', 'merge/b'));
    // Three targets, two forms, two new signatures each.
    expect(items.length).toBe(first.length + 3 * 2 * 2);
    const again = await copy(addressOf('api', 'merge/a'), addressOf('tag', 'merge/b'));
    expect(again).toMatchObject({ manifests: { uploaded: 0 }, conflicts: [] });
  });

  it('sets no tag when the source lacks what is required, and says so with the exit code of a denial', async () => {
    const { reference } = await registries.api.index('unsigned/web');
    const target = addressOf('tag', 'unsigned/web');
    await expect(copy(reference, target)).rejects.toMatchObject({ code: 'EVIDENCE_REJECTED', kind: 'deny' });
    await expect(verifyImage({ ...trust(), env: {}, image: target })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

async function itemsOf(image: string): Promise<string[]> {
  const { targets, verdict } = await verifyImage({ ...trust(), env: {}, image, recursive: true });
  expect(verdict).toBe('accepted');
  const items = targets.flatMap(({ digest, items: found }) => found.map(item => ({ digest, ...item })));
  expect(items.filter(({ verified }) => !verified)).toEqual([]);
  return items
    .map(({ digest, store, kind, payloadDigest, log }) =>
      [digest, store, kind, payloadDigest, log?.kind, log?.index].join(' '),
    )
    .sort();
}

async function expectCosignsAccept(reference: string): Promise<void> {
  for (const { version, flags } of readers) {
    for (const words of [['verify'], ['verify-attestation', '--type', predicateType]]) {
      const read = await cosign(
        version,
        bench,
        ...words,
        ...flags(bench),
        ...identityFlags(bench),
        reference,
      );
      expect(read.code, read.text).toBe(0);
    }
  }
}

/** Readers that filter by type must find everything, whatever the writer of the source put there. */
async function expectTrueTypes({ url }: TestRegistry, target: string, digest: string): Promise<void> {
  const repository = target.slice(target.indexOf('/') + 1).replace(/:1$/, '');
  const reply = await fetch(`${url}/v2/${repository}/manifests/${digest.replace(':', '-')}`, {
    headers: { accept: 'application/vnd.oci.image.index.v1+json' },
  });
  const { manifests } = (await reply.json()) as { manifests: { artifactType: string }[] };
  expect(manifests.length).toBeGreaterThan(0);
  for (const { artifactType } of manifests)
    expect(artifactType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
}
