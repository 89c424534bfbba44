import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { hasCode } from '../src/ground/fault/fault.ts';
import type { RegistryOptions } from '../src/image/oci/server/options.ts';
import { type RunningRegistry, startRegistry } from '../src/image/oci/server/start-registry.ts';
import { Client } from './registry-content.ts';

export interface RegistryBench {
  /** A folder of this test alone; the data is in `data`. */
  folder: string;
  registry: RunningRegistry | undefined;
  start(o?: Partial<RegistryOptions>): Promise<Client>;
  stop(): Promise<void>;
}

/** A registry that each test starts and stops as it likes; a failure that no client caused fails the test. */
export function useRegistry(): RegistryBench {
  const problems: unknown[] = [];
  const bench: RegistryBench = {
    folder: '',
    registry: undefined,
    start: async o => {
      bench.registry = await startRegistry({
        data: join(bench.folder, 'data'),
        // A full registry is told, and it is what a test asked for.
        onProblem: error => hasCode(error, 'REGISTRY_FULL') || problems.push(error),
        shutdownTimeout: 2_000,
        ...o,
      });
      return new Client(bench.registry.url, 'shop/web');
    },
    stop: async () => {
      await bench.registry?.close();
      bench.registry = undefined;
    },
  };
  beforeEach(async () => {
    problems.length = 0;
    bench.folder = await mkdtemp(join(tmpdir(), 'cg-running-'));
  });
  afterEach(async () => {
    await bench.stop();
    await rm(bench.folder, { recursive: true });
    expect(problems).toEqual([]);
  });
  return bench;
}
