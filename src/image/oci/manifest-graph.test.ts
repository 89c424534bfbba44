import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../test/faults.ts';
import { indexOf, manifestOf } from '../../../test/images.ts';
import { mediaTypes } from '../../model/descriptor.ts';
import { walkManifests } from './manifest-graph.ts';
import type { Manifest } from './registry.ts';

describe('a walk over manifests', () => {
  it('ends when they are too large together, and never holds more than one of those that wait', async () => {
    const padding = 'x'.repeat(4e6);
    const children = Array.from({ length: 100 }, (_, at) =>
      manifestOf({ manifests: [], annotations: { at: String(at) } }, mediaTypes.index),
    );
    const root = indexOf(children.map(manifest => ({ manifest, blobs: [] })));
    let unread = 0;
    let most = 0;
    let count = 0;
    const read = (): Promise<Manifest> => {
      most = Math.max(most, ++unread);
      const bytes = Buffer.from(
        JSON.stringify({ manifests: [], annotations: { at: String(count++), padding } }),
      );
      const hex = count.toString(16).padStart(64, '0');
      return Promise.resolve({
        bytes,
        descriptor: { mediaType: mediaTypes.index, digest: `sha256:${hex}`, size: bytes.length },
      });
    };
    const work = async (): Promise<void> => {
      for await (const node of walkManifests(root, { where: 'here', read })) if (node.depth > 0) unread--;
    };
    const fault = await faultOf(work());
    expect([fault.code, fault.actual]).toEqual(['LIMIT_EXCEEDED', 'more than 268435456 bytes']);
    expect(most).toBe(1);
    expect(count).toBeLessThan(70);
  });
});
