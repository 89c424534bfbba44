import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../../test/faults.ts';
import { blobOf } from '../../../../test/images.ts';
import { useRegistry } from '../../../../test/running-registry.ts';
import { RegistryAccess } from '../access.ts';
import { open } from '../open.ts';

const bench = useRegistry();

describe('a registry without room', () => {
  it('is named as such, with its own words, and is not asked again', async () => {
    await bench.start({ limits: { quotaBytes: 100_000 } });
    const host = new URL(bench.registry?.url ?? '').host;
    const access = new RegistryAccess({ env: {}, ca: [], insecureHosts: [], offline: false });
    try {
      const { registry } = await open(`${host}/shop/web:1`, access, { to: 'write' });
      const began = performance.now();
      const fault = await faultOf(registry.push(blobOf(Buffer.alloc(30_000_000, 'x')).push));
      expect([fault.code, fault.actual]).toEqual([
        'REGISTRY_FULL',
        expect.stringContaining('the quota of this registry, 100000 bytes, is used up'),
      ]);
      // The first wait before another attempt alone would be longer.
      expect(performance.now() - began).toBeLessThan(2000);
    } finally {
      access.close();
    }
  });
});
