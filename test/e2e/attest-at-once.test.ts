import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyImage } from '../../src/workflow/verify-image.ts';
import { findPeer } from '../peers.ts';
import { openSigningBench, openTestRegistry, type SigningBench } from '../signing-place.ts';

const cg = join(import.meta.dirname, '../../dist/cg.js');
const processes = 16;
const dockerRegistry = findPeer('docker-registry');

let bench: SigningBench;
beforeAll(async () => {
  bench = await openSigningBench();
});
afterAll(async () => await bench.close());

const kinds = [
  { name: 'a registry with the referrers API', program: undefined, label: '' },
  {
    name: 'a registry that knows neither referrers nor conditions',
    program: dockerRegistry,
    label: dockerRegistry === undefined ? ' [needs docker-registry]' : '',
  },
] as const;

describe('processes that attest one image at once', () => {
  for (const { name, program, label } of kinds)
    it.skipIf(label !== '')(`lose nothing on ${name}${label}`, async () => {
      const registry = await openTestRegistry(program);
      try {
        const { reference } = await registry.image('shop/web');
        const types = Array.from({ length: processes }, (_, n) => `https://example.com/review/v${n}`);
        const ended = await Promise.all(types.map((type, n) => attest(reference, type, n)));
        expect(ended).toEqual(types.map(() => ({ code: 0, text: '' })));
        const { targets, verdict } = await verifyImage({
          image: reference,
          env: {},
          identities: [bench.identity],
          allowLocalTrust: true,
          local: { folder: bench.data },
          signature: false,
          predicateTypes: types,
        });
        expect(verdict).toBe('accepted');
        const stores = targets.flatMap(({ items }) =>
          items.map(({ store, predicateType }) => `${store} ${predicateType}`),
        );
        expect(stores.sort()).toEqual(types.flatMap(type => [`att ${type}`, `referrer ${type}`]).sort());
      } finally {
        await registry.stop();
      }
    });
});

function attest(image: string, type: string, n: number): Promise<{ code: number | null; text: string }> {
  const file = bench.write(`predicate-${n}.json`, { n });
  const args = [
    'attest',
    image,
    '--quiet',
    '--local',
    '--sigstore-data',
    bench.data,
    '--predicate',
    `${type}=${file}`,
  ];
  const env = { PATH: process.env.PATH, HOME: bench.folder };
  return new Promise(resolve => {
    const child = spawn(process.execPath, [cg, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.on('data', chunk => (text += chunk));
    child.on('close', code => resolve({ code, text }));
  });
}
