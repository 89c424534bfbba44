import { describe, expect, it } from 'vitest';
import { arrangeWaves } from './cascade.ts';
import { orderGraph } from './graph.ts';

const now = new Date('2026-03-01T00:00:00Z');
const chain = Array.from({ length: 3000 }, (_, n) => `image-${n}`);

describe('the graph of a fleet', () => {
  it('finds a circle of three thousand images without running out of stack', () => {
    const needs = new Map(chain.map((name, n) => [name, [chain[(n + 1) % 3000] ?? '']]));
    const { cycle } = orderGraph({ names: chain, needs });
    expect(cycle).toHaveLength(3001);
    expect(cycle?.[0]).toBe(cycle?.at(-1));
  });

  it('arranges a chain of three thousand in as many waves', () => {
    const needs = new Map(chain.map((name, n) => [name, n === 0 ? [] : [chain[n - 1] ?? '']]));
    const images = chain.map((name, n) => ({
      name,
      causes: n === 0 ? [{ kind: 'base' as const, base: 'debian', to: 'sha256:x' }] : [],
      autoRebuild: true,
      rebuildDelay: 0,
    }));
    const waves = arrangeWaves(images, { names: chain, needs }, now);
    expect(waves).toHaveLength(3000);
    expect(waves.at(-1)?.images).toMatchObject([{ name: 'image-2999', causes: [{ image: 'image-2998' }] }]);
  });

  it('waits for the delay of each image, and passes it on to what stands on it', () => {
    const base = { kind: 'base' as const, base: 'debian', to: 'sha256:x' };
    const waves = arrangeWaves(
      [
        {
          name: 'low',
          causes: [base],
          autoRebuild: true,
          rebuildDelay: 7 * 86_400_000,
          lastBuilt: '2026-02-27T00:00:00Z',
        },
        { name: 'top', causes: [], autoRebuild: false, rebuildDelay: 0 },
        { name: 'other', causes: [], autoRebuild: true, rebuildDelay: 0 },
      ],
      { names: ['low', 'top', 'other'], needs: new Map([['top', ['low']]]) },
      now,
    );
    expect(waves.map(({ images }) => images.map(({ name, dueAt }) => [name, dueAt]))).toEqual([
      [['low', '2026-03-06T00:00:00Z']],
      [['top', '2026-03-06T00:00:00Z']],
    ]);
  });
});
