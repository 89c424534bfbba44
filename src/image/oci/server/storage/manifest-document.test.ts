import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mediaTypes } from '../../../../model/descriptor.ts';
import { readManifestDocument } from './manifest-document.ts';

const digest = `sha256:${'b'.repeat(64)}`;
const entry = { mediaType: mediaTypes.layerGzip, digest, size: 1 };
const image = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: entry, layers: [entry] };

function read(value: unknown, contentType?: string): ReturnType<typeof readManifestDocument> {
  return readManifestDocument(Buffer.from(JSON.stringify(value)), contentType);
}

describe('a manifest document', () => {
  it('names its blobs, children and subject', () => {
    expect(read({ ...image, subject: entry, artifactType: 'application/x' })).toEqual({
      mediaType: mediaTypes.manifest,
      blobs: [digest, digest],
      children: [],
      subject: digest,
      artifactType: 'application/x',
    });
    expect(read({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry] })).toMatchObject({
      blobs: [],
      children: [digest],
    });
  });

  it('takes its type from the header, from itself, or from its fields', () => {
    const { mediaType: _, ...bare } = image;
    expect(read(bare).mediaType).toBe(mediaTypes.manifest);
    expect(read(bare, `${mediaTypes.dockerManifest}; charset=utf-8`).mediaType).toBe(
      mediaTypes.dockerManifest,
    );
    expect(read({ schemaVersion: 2, manifests: [] }).mediaType).toBe(mediaTypes.index);
  });

  it('may lack what lives elsewhere', () => {
    const foreign = [
      { ...entry, urls: ['https://example.invalid'] },
      { ...entry, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' },
      { ...entry, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' },
    ];
    expect(read({ ...image, layers: foreign }).blobs).toEqual([digest]);
  });

  it.each<[string, unknown, string?]>([
    ['a list', []],
    ['null', null],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }],
    ['two types', image, mediaTypes.index],
    ['both kinds', { ...image, manifests: [] }],
    ['an index with layers', { ...image, mediaType: mediaTypes.index }],
    ['an image with manifests', { schemaVersion: 2, mediaType: mediaTypes.manifest, manifests: [] }],
    ['a type that a browser runs', { schemaVersion: 2, layers: [] }, 'text/html'],
    ['a climbing digest', { ...image, layers: [{ ...entry, digest: 'sha256:../../x' }] }],
    ['no digest', { ...image, layers: [{ mediaType: 'x', size: 1 }] }],
    ['a negative size', { ...image, layers: [{ ...entry, size: -1 }] }],
    ['a size that is no number', { ...image, layers: [{ ...entry, size: '1' }] }],
    ['layers that are no list', { ...image, layers: { 0: entry } }],
    ['a layer that is no object', { ...image, layers: ['x'] }],
    ['a subject that is none', { ...image, subject: 'x' }],
    ['annotations that are no texts', { ...image, annotations: { a: 1 } }],
    ['too many references', { ...image, layers: Array.from({ length: 10_001 }, () => entry) }],
  ])('with %s is refused', (_, value, contentType) => {
    expect(() => read(value, contentType)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID', status: 400 }),
    );
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => readManifestDocument(Buffer.from([0x7b, 0xff, 0x7d]), undefined)).toThrow('UTF-8');
  });

  it('answers every JSON with a document or a refusal, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('config', 'layers', 'manifests', 'subject', 'annotations'),
        (value, field) => {
          for (const candidate of [value, { ...image, [field]: value }]) {
            try {
              read(candidate);
            } catch (error) {
              expect(error).toMatchObject({ code: 'MANIFEST_INVALID' });
            }
          }
        },
      ),
      { seed: 5, numRuns: 2_000 },
    );
  });

  it('does not mind a body nested a million times', () => {
    const deep = Buffer.from(
      `{"schemaVersion":2,"layers":[],"x":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`,
    );
    try {
      readManifestDocument(deep, mediaTypes.manifest);
    } catch (error) {
      expect(error).toMatchObject({ code: 'MANIFEST_INVALID' });
    }
  });
});
