import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { RegistryAccess } from '../../src/image/oci/access.ts';
import { OciArchive } from '../../src/image/oci/archive/oci-archive.ts';
import { LayoutRegistry } from '../../src/image/oci/layout/layout.ts';
import { open } from '../../src/image/oci/open.ts';
import { startRegistry } from '../../src/image/oci/server/start-registry.ts';
import { imageOf, pushImage } from '../images.ts';
import { type DoubleOptions, RegistryDouble } from '../registry-double.ts';
import { readableRegistryContract, registryContract } from './registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'cg-contract-'));
const doubles: RegistryDouble[] = [];
const access = new RegistryAccess({ env: {} });
const closing: (() => Promise<unknown>)[] = [];
let count = 0;

afterAll(async () => {
  access.close();
  for (const close of closing) await close();
  for (const double of doubles) await double.close();
  rmSync(folder, { recursive: true });
});

for (const options of [
  { referrers: 'api' },
  { referrers: 'none' },
  { referrers: 'confirmed-only', etags: true },
] as const satisfies DoubleOptions[]) {
  registryContract(`a registry (referrers: ${options.referrers})`, async () => {
    const double = await RegistryDouble.start(options);
    doubles.push(double);
    return (await open(`${double.host}/test/image-${count++}`, access)).registry;
  });
}

registryContract('the embedded registry', async () => {
  const registry = await startRegistry({ data: join(folder, `data-${count++}`) });
  closing.push(() => registry.close());
  return (await open(`${registry.host}:${registry.port}/test/image`, access)).registry;
});

registryContract('an OCI layout folder', () =>
  Promise.resolve(new LayoutRegistry(join(folder, `layout-${count++}`))),
);

readableRegistryContract('an OCI archive', async () => {
  const path = join(folder, `layout-${count++}`);
  await pushImage(new LayoutRegistry(path), imageOf('one', ['first layer', 'second layer']), 'v1');
  execFileSync('tar', ['-cf', `${path}.tar`, '-C', path, '.']);
  return await OciArchive.open(`${path}.tar`);
});
