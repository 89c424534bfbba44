import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageOf, manifestOf, sha256 } from '../../../test/images.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { mediaTypes } from '../../model/descriptor.ts';
import { decideMediaType, parseContent } from './content.ts';
import { summariseConfig } from './image-config.ts';

const bytesOf = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));

describe('what a manifest is', () => {
  it.each([
    [
      'the header, when the body says nothing',
      mediaTypes.dockerManifest,
      { layers: [] },
      mediaTypes.dockerManifest,
    ],
    [
      'the body, when the header says nothing of use',
      'application/json',
      { mediaType: mediaTypes.index, manifests: [] },
      mediaTypes.index,
    ],
    ['what it holds, when neither says it', undefined, { manifests: [] }, mediaTypes.index],
    [
      'the header without its parameters',
      `${mediaTypes.manifest}; charset=utf-8`,
      { mediaType: mediaTypes.manifest, layers: [] },
      mediaTypes.manifest,
    ],
  ])('is decided by %s', (_, header, body, decided) => {
    expect(decideMediaType(header, bytesOf(body), 'here')).toBe(decided);
  });

  it.each([
    ['two types', mediaTypes.index, { mediaType: mediaTypes.manifest, layers: [] }],
    ['two kinds', mediaTypes.manifest, { manifests: [] }],
    ['both kinds', undefined, { manifests: [], config: {} }],
    ['a type that contradicts what it holds', undefined, { mediaType: mediaTypes.index, layers: [] }],
    ['no text as type', undefined, { mediaType: 5 }],
  ])('is refused when it has %s', (_, header, body) => {
    expect(() => decideMediaType(header, bytesOf(body), 'here')).toThrow(Fault);
  });

  it('is read with its subject and its type', () => {
    const subject = imageOf('subject').manifest.descriptor;
    const config = { mediaType: mediaTypes.empty, digest: sha256(Buffer.from('{}')), size: 2 };
    expect(
      parseContent(manifestOf({ config, layers: [], subject, artifactType: 'a/b', annotations: { k: 'v' } })),
    ).toEqual({
      kind: 'manifest',
      config,
      layers: [],
      subject,
      artifactType: 'a/b',
      annotations: { k: 'v' },
    });
  });

  it('never ends in anything but content or a clear error, whatever the JSON', () => {
    const keys = fc.constantFrom(
      'mediaType',
      'manifests',
      'layers',
      'config',
      'subject',
      'annotations',
      'digest',
      'size',
      'platform',
      '__proto__',
      'schemaVersion',
    );
    const leaf = fc.oneof(
      fc.jsonValue({ maxDepth: 1 }),
      fc.constantFrom(mediaTypes.index, sha256(Buffer.from('x')), 1, -1, 1e300),
    );
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(mediaTypes.index, mediaTypes.manifest), (body, mediaType) => {
        const bytes = bytesOf(body ?? null);
        for (const read of [
          () => parseContent({ descriptor: { mediaType, digest: sha256(bytes), size: bytes.length }, bytes }),
          () => decideMediaType(mediaType, bytes, 'here'),
        ]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(Fault);
          }
        }
        summariseConfig(bytes, 'here');
      }),
      { seed: 6, numRuns: 3000 },
    );
  });
});

describe('the summary of a configuration', () => {
  it('names variables and keeps their values to itself', () => {
    const config = {
      os: 'linux',
      architecture: 'arm64',
      config: {
        Env: ['PATH=/bin', 'PASSWORD=secret'],
        Cmd: ['sh'],
        User: '1000',
        ExposedPorts: { '80/tcp': {} },
        Labels: { a: 'b', c: 5 },
      },
      history: [{ created_by: 'RUN x' }, 5],
    };
    const summary = summariseConfig(bytesOf(config), 'here');
    expect(summary).toEqual({
      os: 'linux',
      architecture: 'arm64',
      user: '1000',
      command: ['sh'],
      environment: ['PATH', 'PASSWORD'],
      exposedPorts: ['80/tcp'],
      labels: { a: 'b' },
      history: ['RUN x'],
    });
  });
});
