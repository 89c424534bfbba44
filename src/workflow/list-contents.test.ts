import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianStatus, layered, osReleaseOf, pythonMetadata } from '../../test/contents.ts';
import { indexOf, pushImage, type TestImage } from '../../test/images.ts';
import { RegistryDouble } from '../../test/registry-double.ts';
import { type TarFile, tarOf } from '../../test/tar.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import { open } from '../image/oci/open.ts';
import { listContents, writeSpdx } from './list-contents.ts';

let folder: string;
let double: RegistryDouble;
let access: RegistryAccess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cg-contents-'));
  double = await RegistryDouble.start();
  access = new RegistryAccess({ env: {} });
});
afterAll(async () => {
  access.close();
  await double.close();
  rmSync(folder, { recursive: true, force: true });
});

const base = tarOf([
  { name: 'etc/os-release', content: osReleaseOf('debian', '12') },
  { name: 'var/lib/dpkg/status', content: debianStatus(['bash', '5']) },
]);
const onTop = (word: string): TarFile[] => [
  { name: 'x.dist-info/METADATA', content: pythonMetadata(word, '1') },
];
const list = (target: string, more: object = {}) =>
  listContents({ target, cwd: folder, env: { HOME: folder }, ...more });

async function push(name: string, image: TestImage, ...tags: string[]): Promise<string> {
  const { registry } = await open(`${double.host}/${name}:x`, access, { to: 'write' });
  return await pushImage(registry, image, ...tags);
}

describe('what is listed', () => {
  it('is the image of this machine, and says so when there are others', async () => {
    const here = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const other = here === 'arm64' ? 'amd64' : 'arm64';
    const images = [here, other].map(architecture => ({
      image: layered([tarOf(onTop(architecture))]),
      platform: { os: 'linux', architecture },
    }));
    for (const { image } of images) await push('app/web', image);
    const index = indexOf(images.map(({ image, platform }) => ({ manifest: image.manifest, platform })));
    await push('app/web', { manifest: index, blobs: [] }, 'latest');
    const said: string[] = [];
    const onChoice = (chosen: string, others: readonly string[]): void => void said.push(chosen, ...others);
    const image = `${double.host}/app/web`;
    expect((await list(image, { onChoice })).packages.map(({ name }) => name)).toEqual([here]);
    expect(said).toEqual([`linux/${here}`, `linux/${other}`]);
    const named = await list(image, { platform: `linux/${other}`, onChoice });
    expect(named.packages.map(({ name }) => name)).toEqual([other]);
    expect(said).toHaveLength(2);
    expect(named.subject.name).toBe(`${image}@${images[1]?.image.manifest.descriptor.digest}`);
    await expect(list(image, { platform: 'linux/s390x' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is refused with the choice when no image fits this machine', async () => {
    const images = ['s390x', 'ppc64le'].map(architecture => ({
      image: layered([tarOf(onTop(architecture))]),
      platform: { os: 'linux', architecture },
    }));
    for (const { image } of images) await push('app/far', image);
    const index = indexOf(images.map(({ image, platform }) => ({ manifest: image.manifest, platform })));
    await push('app/far', { manifest: index, blobs: [] }, 'latest');
    await expect(list(`${double.host}/app/far`)).rejects.toMatchObject({
      code: 'USAGE',
      expected: 'one of linux/s390x, linux/ppc64le',
    });
  });

  it('is inherited from the base that is named, or from the one in the annotations', async () => {
    const digest = await push('app/base', layered([base]), '1');
    const inheritedOf = async (target: string, more: object = {}): Promise<unknown[]> =>
      (await list(target, more)).packages.map(({ name, layer }) => [name, layer?.inherited]);
    const image = layered([base, tarOf(onTop('own'))]);
    await push('app/built', image, 'plain');
    const expected = [
      ['bash', true],
      ['own', false],
    ];
    const plain = `${double.host}/app/built:plain`;
    expect(await inheritedOf(plain, { base: `${double.host}/app/base:1` })).toEqual(expected);
    expect((await inheritedOf(plain))[0]).toEqual(['bash', false]);
    const annotations = (name: string) => ({
      'org.opencontainers.image.base.name': name,
      'org.opencontainers.image.base.digest': digest,
    });
    const near = layered([base, tarOf(onTop('own'))], {
      annotations: annotations(`${double.host}/app/base:1`),
    });
    await push('app/built', near, 'near');
    expect(await inheritedOf(`${double.host}/app/built:near`)).toEqual(expected);
    const far = layered([base, tarOf(onTop('own'))], { annotations: annotations('registry.invalid/base:1') });
    await push('app/built', far, 'far');
    const notes: string[] = [];
    await inheritedOf(`${double.host}/app/built:far`, { onNote: (text: string) => notes.push(text) });
    expect(notes).toEqual([expect.stringContaining(`--base registry.invalid/base@${digest}`)]);
  });

  it('is kept for the next time, unless that is not wanted', async () => {
    await push('app/kept', layered([tarOf(onTop('kept'))]), 'latest');
    const home = join(folder, 'home');
    const env = { HOME: home };
    const first = await list(`${double.host}/app/kept`, { env, cache: false });
    expect(() => readdirSync(home)).toThrow(/ENOENT/);
    await list(`${double.host}/app/kept`, { env });
    expect(readdirSync(join(home, '.cache/cascadeguard/layers'))).toHaveLength(1);
    const again = await list(`${double.host}/app/kept`, { env });
    expect(writeSpdx(again)).toBe(writeSpdx(first));
  });

  it('is what lies below a folder, and nothing that links lead to outside', async () => {
    const root = join(folder, 'root');
    mkdirSync(join(root, 'etc'), { recursive: true });
    mkdirSync(join(root, 'a.dist-info'));
    mkdirSync(join(folder, 'outside.dist-info'));
    writeFileSync(join(root, 'etc/os-release'), osReleaseOf('debian', '12'));
    writeFileSync(join(root, 'a.dist-info/METADATA'), pythonMetadata('a', '1'));
    writeFileSync(join(folder, 'outside.dist-info/METADATA'), pythonMetadata('outside', '1'));
    symlinkSync('../outside.dist-info', join(root, 'b.dist-info'));
    symlinkSync('loop', join(root, 'loop'));
    for (const target of ['dir:root', './root', root]) {
      const found = await list(target, { env: { SOURCE_DATE_EPOCH: '1700000000' } });
      expect(found.packages.map(({ name }) => name)).toEqual(['a']);
      expect(found.distribution?.id).toBe('debian');
      expect(found.subject).toEqual({ name: target, layers: [], created: '2023-11-14T22:13:20Z' });
      expect(found.problems).toEqual([]);
    }
    await expect(list('dir:nothing')).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });
});
