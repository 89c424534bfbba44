import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../test/faults.ts';
import { imagesOfManifests } from './rendered-images.ts';

describe('the images of manifests', () => {
  it('are those of every list of containers at any depth, and of image volumes', () => {
    const text = `kind: CronJob
spec: { jobTemplate: { spec: { template: { spec: { containers: [{ image: b }], initContainers: [{ image: a }] } } } } }
---
kind: Pod
spec: { containers: [{ image: d }], ephemeralContainers: [{ image: c }], volumes: [{ image: { reference: e } }] }
`;
    expect(imagesOfManifests(text)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(imagesOfManifests('')).toEqual([]);
  });

  it('are unknown when a document cannot be read: nothing is passed over in silence', async () => {
    const fault = await faultOf(
      (async () => imagesOfManifests('kind: Pod\n---\nspec: {containers: [{image: x}'))(),
    );
    expect([fault.code, fault.message]).toEqual([
      'CONTENT_INVALID',
      expect.stringContaining('nobody knows which images'),
    ]);
  });
});
