import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseContent } from '../../src/image/oci/content.ts';
import type { Manifest, Registry } from '../../src/image/oci/registry.ts';
import { collect } from '../../src/image/oci/verified.ts';
import { mediaTypes } from '../../src/model/descriptor.ts';
import { faultOf } from '../faults.ts';
import { blobOf, imageOf, indexOf, manifestOf, pushImage, referrerOf, sha256 } from '../images.ts';

/** What every place that can be read promises, once it holds the image "one" under the tag `v1`. */
export function readableRegistryContract(
  name: string,
  open: () => Promise<Registry>,
  isSkipped = false,
): void {
  describe.skipIf(isSkipped)(`${name}, for reading`, () => {
    const { manifest, blobs } = imageOf('one', ['first layer', 'second layer']);

    it('gives the manifest of a tag, byte for byte, and says the same by head', async () => {
      const registry = await open();
      const read = await registry.manifest('v1');
      expect(sha256(read.bytes)).toBe(read.descriptor.digest);
      expect((await registry.head('v1'))?.digest).toBe(read.descriptor.digest);
      expect((await registry.manifest(read.descriptor.digest)).bytes).toEqual(read.bytes);
    });

    it('gives blobs from any offset', async () => {
      const registry = await open();
      const layer = blobOf('second layer');
      expect((await collect(registry.blob(layer.descriptor))).toString()).toBe('second layer');
      expect((await collect(registry.blob(layer.descriptor, { offset: 7 }))).toString()).toBe('layer');
    });

    it('lists its tags', async () => {
      expect(await all((await open()).tags())).toEqual(['v1']);
    });

    it('knows no head of what is not there, and fails for its manifest', async () => {
      const registry = await open();
      expect(await registry.head('nothing')).toBeUndefined();
      expect(await registry.head(sha256(Buffer.from('nothing')))).toBeUndefined();
      expect((await faultOf(registry.manifest('nothing'))).code).toBe('NOT_FOUND');
    });

    it('fails for a blob that is not there', async () => {
      const registry = await open();
      expect((await faultOf(collect(registry.blob(blobOf('missing').descriptor)))).code).toBe('NOT_FOUND');
    });

    it('refuses a blob whose size is not what the descriptor says', async () => {
      const registry = await open();
      const layer = blobOf('second layer').descriptor;
      for (const size of [layer.size - 1, layer.size + 1]) {
        expect((await faultOf(collect(registry.blob({ ...layer, size })))).code).toBe('SIZE_MISMATCH');
      }
    });

    it('lists nothing as referring to an image that nothing refers to', async () => {
      expect(await (await open()).referrers(manifest.descriptor.digest)).toEqual([]);
      expect(blobs.length).toBe(3);
    });
  });
}

/** What every place that can be written promises; `create` gives an empty one. */
export function registryContract(name: string, create: () => Promise<Registry>, isSkipped = false): void {
  readableRegistryContract(
    name,
    async () => {
      const registry = await create();
      await pushImage(registry, imageOf('one', ['first layer', 'second layer']), 'v1');
      return registry;
    },
    isSkipped,
  );

  describe.skipIf(isSkipped)(`${name}, for writing`, () => {
    it('stores a blob once', async () => {
      const registry = await create();
      const { push } = blobOf('content');
      expect(await registry.push(push)).toEqual({ outcome: 'uploaded' });
      const unopened = {
        ...push,
        open: () => {
          throw new Error('opened although it is there');
        },
      };
      expect(await registry.push(unopened)).toEqual({ outcome: 'present' });
    });

    it('stores an empty blob and one of several megabytes', async () => {
      const registry = await create();
      for (const bytes of [Buffer.alloc(0), randomBytes(3 * 1024 * 1024 + 17)]) {
        const { push, descriptor } = blobOf(bytes);
        await registry.push(push);
        expect((await collect(registry.blob(descriptor))).equals(bytes)).toBe(true);
      }
    });

    it('refuses bytes that are not what their descriptor says, and stores nothing of them', async () => {
      const registry = await create();
      const { push, descriptor } = blobOf('what was promised');
      const lie = (text: string) => ({ ...push, open: () => blobOf(text).push.open(0) });
      expect((await faultOf(registry.push(lie('what was provided')))).code).toBe('DIGEST_MISMATCH');
      expect((await faultOf(registry.push(lie('short')))).code).toBe('SIZE_MISMATCH');
      expect((await faultOf(registry.push(lie('much longer than promised')))).code).toBe('SIZE_MISMATCH');
      expect((await faultOf(collect(registry.blob(descriptor)))).code).toBe('NOT_FOUND');
    });

    it('passes on what the source of a blob throws, and stores nothing of it', async () => {
      const registry = await create();
      const { push, descriptor } = blobOf('a source that fails');
      const open = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('a source');
        throw new Error('the source failed');
      };
      await expect(registry.push({ ...push, open })).rejects.toThrow('the source failed');
      expect((await faultOf(collect(registry.blob(descriptor)))).code).toBe('NOT_FOUND');
    });

    it('refuses a manifest that is not what its descriptor says', async () => {
      const registry = await create();
      const image = imageOf('mismatch');
      for (const blob of image.blobs) await registry.push(blob);
      const wrong = { ...image.manifest, bytes: Buffer.concat([image.manifest.bytes, Buffer.from(' ')]) };
      expect((await faultOf(registry.push({ kind: 'manifest', ...wrong, tags: ['v1'] }))).code).toBe(
        'SIZE_MISMATCH',
      );
      expect(await registry.head('v1')).toBeUndefined();
    });

    it('moves a tag, and keeps what the tag left', async () => {
      const registry = await create();
      const first = await pushImage(registry, imageOf('first'), 'v1', 'stable');
      const second = await pushImage(registry, imageOf('second'), 'v1');
      expect((await registry.head('v1'))?.digest).toBe(second);
      expect((await registry.head('stable'))?.digest).toBe(first);
      expect((await registry.manifest(first)).descriptor.digest).toBe(first);
      expect((await all(registry.tags())).sort()).toEqual(['stable', 'v1']);
    });

    it('stores an index after its children', async () => {
      const registry = await create();
      const amd = imageOf('app', ['amd'], { os: 'linux', architecture: 'amd64' });
      const arm = imageOf('app', ['arm'], { os: 'linux', architecture: 'arm64' });
      await pushImage(registry, amd);
      await pushImage(registry, arm);
      const index = indexOf([
        { ...amd, platform: { os: 'linux', architecture: 'amd64' } },
        { ...arm, platform: { os: 'linux', architecture: 'arm64' } },
      ]);
      await registry.push({ kind: 'manifest', ...index, tags: ['multi'] });
      expect((await registry.manifest('multi')).bytes).toEqual(Buffer.from(index.bytes));
      expect((await registry.manifest(arm.manifest.descriptor.digest)).bytes).toEqual(
        Buffer.from(arm.manifest.bytes),
      );
    });

    it('finds what refers to an image, with its true type', async () => {
      const registry = await create();
      const image = imageOf('subject');
      await pushImage(registry, image, 'v1');
      const sbom = referrerOf(image.manifest, 'application/spdx+json');
      const signature = referrerOf(image.manifest, 'application/vnd.example.signature');
      await pushImage(registry, sbom);
      await pushImage(registry, signature);
      await pushImage(registry, signature);
      const found = await registry.referrers(image.manifest.descriptor.digest);
      expect(Object.fromEntries(found.map(({ digest, artifactType }) => [digest, artifactType]))).toEqual({
        [sbom.manifest.descriptor.digest]: 'application/spdx+json',
        [signature.manifest.descriptor.digest]: 'application/vnd.example.signature',
      });
    });

    it('accepts a referrer before its subject', async () => {
      const registry = await create();
      const image = imageOf('later');
      const referrer = await pushImage(registry, referrerOf(image.manifest, 'a/b'));
      await pushImage(registry, image);
      expect(
        (await registry.referrers(image.manifest.descriptor.digest)).map(({ digest }) => digest),
      ).toEqual([referrer]);
    });

    it('loses nothing when ten writers attach evidence to one image at once', async () => {
      const registry = await create();
      const image = imageOf('busy');
      await pushImage(registry, image, 'v1');
      const referrers = Array.from({ length: 10 }, (_, at) =>
        referrerOf(image.manifest, 'a/b', `writer ${at}`),
      );
      const digests = await Promise.all(referrers.map(referrer => pushImage(registry, referrer)));
      const found = await registry.referrers(image.manifest.descriptor.digest);
      expect(found.map(({ digest }) => digest).sort()).toEqual([...digests].sort());
    });

    it('loses nothing when ten writers change one tag at once', async () => {
      const registry = await create();
      const config = blobOf('{}', mediaTypes.empty);
      await registry.push(config.push);
      const layers = Array.from({ length: 10 }, (_, at) => blobOf(`layer ${at}`));
      const layersOf = (manifest: Manifest | undefined): readonly string[] =>
        manifest === undefined ? [] : layerDigests(manifest);
      await Promise.all(
        layers.map(async layer => {
          await registry.push(layer.push);
          await registry.change('shared', {
            isDone: current => layersOf(current).includes(layer.descriptor.digest),
            apply: current => {
              const present = layers.filter(other => layersOf(current).includes(other.descriptor.digest));
              const all = [...present, layer].map(({ descriptor }) => descriptor);
              return manifestOf({ config: config.descriptor, layers: all });
            },
          });
        }),
      );
      const wanted = layers.map(({ descriptor }) => descriptor.digest);
      expect(layersOf(await registry.manifest('shared')).toSorted()).toEqual(wanted.toSorted());
    });

    it('changes no tag that needs no change', async () => {
      const registry = await create();
      await pushImage(registry, imageOf('one', ['first layer']), 'v1');
      const refuse = (): never => {
        throw new Error('asked for a change');
      };
      const found = await registry.change('v1', { isDone: () => true, apply: refuse });
      expect(found?.descriptor.digest).toBe((await registry.head('v1'))?.digest);
    });

    it('keeps an artifact without configuration and an index without children', async () => {
      const registry = await create();
      const empty = manifestOf({ manifests: [] }, mediaTypes.index);
      await registry.push({ kind: 'manifest', ...empty, tags: ['empty'] });
      expect((await registry.manifest('empty')).bytes).toEqual(Buffer.from(empty.bytes));
    });

    it('stops when it is told to', async () => {
      const registry = await create();
      const signal = AbortSignal.abort(new Error('stopped'));
      await expect(registry.push(blobOf('never').push, { signal })).rejects.toThrow('stopped');
    });
  });
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function layerDigests(manifest: Manifest): readonly string[] {
  const content = parseContent(manifest);
  return content.kind === 'manifest' ? content.layers.map(({ digest }) => digest) : [];
}
