import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRegistry } from '../../src/image/oci/server/start-registry.ts';
import { registryHttpContract } from './registry-http.ts';

registryHttpContract('the embedded registry', {
  start: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cg-registry-'));
    const registry = await startRegistry({ data: join(folder, 'data') });
    return {
      url: registry.url,
      stop: async () => {
        await registry.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});
