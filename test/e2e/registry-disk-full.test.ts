import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startRegistry } from '../../src/image/oci/server/start-registry.ts';
import { Client, digestOf, makeImage, randomBytes, seededRandom } from '../registry-content.ts';

const disk = mountSmallDisk(2);
const needs = disk === undefined ? ' [needs the right to mount a tmpfs]' : '';

describe.skipIf(disk === undefined)(`a registry whose disk is full${needs}`, () => {
  afterAll(() => {
    if (disk === undefined) return;
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });

  it('refuses with 507 and a reason, keeps nothing half-written, serves on, and stores again after a cleaning', async () => {
    const data = join(disk ?? '', 'data');
    const registry = await startRegistry({ data, grace: 0 });
    try {
      const client = new Client(registry.url, 'full/app');
      const random = seededRandom(9);
      const image = makeImage(random);
      expect((await client.pushImage(image, 'v1')).status).toBe(201);
      const filler = Buffer.alloc(1_400_000, 'x');
      expect((await client.pushBlob(filler)).status).toBe(201);

      const large = randomBytes(random, 900_000);
      for (const attempt of [1, 2]) {
        const refused = await client.pushBlob(large);
        expect([attempt, refused.status, refused.code()]).toEqual([attempt, 507, 'DENIED']);
        expect(refused.body.toString()).toContain('no space');
      }
      expect((await client.send('HEAD', `blobs/${digestOf(large)}`)).status).toBe(404);
      // The upload is still open but holds nothing, so that there is room for others.
      expect(await bytesIn(join(data, 'repositories/full/app/_uploads'))).toBe(0);

      const annotations = { large: 'y'.repeat(900_000) };
      const heavy = makeImage(random, { annotations });
      for (const blob of heavy.blobs) await client.pushBlob(blob);
      const manifest = await client.pushManifest('heavy', heavy.manifest);
      expect([manifest.status, manifest.code()]).toEqual([507, 'DENIED']);
      expect((await client.send('HEAD', 'manifests/heavy')).status).toBe(404);
      expect(await readdir(join(data, 'temporary'))).toEqual([]);
      expect(await client.problemOf(image, 'v1')).toBeUndefined();

      await client.send('DELETE', `blobs/${digestOf(filler)}`);
      await registry.collectGarbage();
      expect((await client.pushBlob(large)).status).toBe(201);
    } finally {
      await registry.close();
    }
  });
});

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

function mountSmallDisk(mebibytes: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'cg-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
}
