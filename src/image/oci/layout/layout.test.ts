import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { faultOf } from '../../../../test/faults.ts';
import { blobOf, imageOf, indexOf, pushImage, referrerOf } from '../../../../test/images.ts';
import { mediaTypes } from '../../../model/descriptor.ts';
import { RegistryAccess } from '../access.ts';
import { open } from '../open.ts';
import { collect } from '../verified.ts';
import { blobPath } from './blob-files.ts';
import { LayoutRegistry } from './layout.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-layout-'));
let count = 0;
afterAll(() => rmSync(root, { recursive: true }));
const create = (): LayoutRegistry => new LayoutRegistry(join(root, `layout-${count++}`));
const entries = (layout: LayoutRegistry): { digest: string; annotations?: Record<string, string> }[] =>
  (JSON.parse(readFileSync(join(layout.folder, 'index.json'), 'utf8')) as { manifests: { digest: string }[] })
    .manifests;

describe('a layout folder', () => {
  it('is what the specification says', async () => {
    const layout = create();
    const digest = await pushImage(layout, imageOf('one'), 'v1');
    expect(readdirSync(layout.folder).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect(JSON.parse(readFileSync(join(layout.folder, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
    expect(JSON.parse(readFileSync(join(layout.folder, 'index.json'), 'utf8'))).toEqual({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [
        {
          mediaType: mediaTypes.manifest,
          digest,
          size: imageOf('one').manifest.bytes.length,
          annotations: { 'org.opencontainers.image.ref.name': 'v1' },
        },
      ],
    });
  });

  it('lists an index without its children', async () => {
    const layout = create();
    const [amd, arm] = [imageOf('a', ['amd']), imageOf('a', ['arm'])];
    await pushImage(layout, amd);
    await pushImage(layout, arm, 'named');
    const index = indexOf([amd, arm]);
    await layout.push({ kind: 'manifest', ...index, tags: ['v1'] });
    expect(
      entries(layout).map(({ digest, annotations }) => [
        digest,
        annotations?.['org.opencontainers.image.ref.name'],
      ]),
    ).toEqual([
      [arm.manifest.descriptor.digest, 'named'],
      [index.descriptor.digest, 'v1'],
    ]);
  });

  it('loses no tag when many write to it at once, through several objects', async () => {
    const { folder } = create();
    const tags = Array.from({ length: 30 }, (_, at) => `t${String(at).padStart(2, '0')}`);
    await Promise.all(tags.map(tag => pushImage(new LayoutRegistry(folder), imageOf(tag), tag)));
    const found: string[] = [];
    for await (const tag of new LayoutRegistry(folder).tags()) found.push(tag);
    expect(found).toEqual(tags);
  });

  it('keeps what others wrote into its index', async () => {
    const layout = create();
    await pushImage(layout, imageOf('one'), 'v1');
    const path = join(layout.folder, 'index.json');
    const before = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...before, annotations: { theirs: 'kept' } }));
    await pushImage(layout, imageOf('two'), 'v2');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ annotations: { theirs: 'kept' } });
  });

  it('notices a damaged blob and a damaged manifest', async () => {
    const layout = create();
    const image = imageOf('one');
    await pushImage(layout, image, 'v1');
    const [config] = image.blobs;
    if (config === undefined) throw new Error('no config');
    const damaged = Buffer.from(await collect(layout.blob(config.descriptor)));
    damaged[0] = 0x5b;
    writeFileSync(blobPath(layout.folder, config.descriptor.digest), damaged);
    expect((await faultOf(collect(layout.blob(config.descriptor)))).code).toBe('DIGEST_MISMATCH');
    writeFileSync(blobPath(layout.folder, image.manifest.descriptor.digest), '{}');
    expect((await faultOf(layout.manifest('v1'))).code).toBe('DIGEST_MISMATCH');
  });

  it('replaces a blob file that was cut short', async () => {
    const layout = create();
    const { push, descriptor } = blobOf('the whole content');
    await layout.push(push);
    writeFileSync(blobPath(layout.folder, descriptor.digest), 'the wh');
    expect(await layout.push(push)).toEqual({ outcome: 'uploaded' });
    expect((await collect(layout.blob(descriptor))).toString()).toBe('the whole content');
  });

  it('reads no folder and no device in the place of a blob', async () => {
    const layout = create();
    await pushImage(layout, imageOf('one'), 'v1');
    const { descriptor } = blobOf('folder');
    mkdirSync(blobPath(layout.folder, descriptor.digest));
    expect((await faultOf(collect(layout.blob(descriptor)))).kind).toBe('usage');
    const device = blobOf('device').descriptor;
    symlinkSync('/dev/zero', blobPath(layout.folder, device.digest));
    expect((await faultOf(collect(layout.blob(device)))).code).toBe('FILE_INVALID');
  });

  it.each(['', '[]', '{"manifests":5}', '{"manifests":[{"digest":"x"}]}', 'not JSON'])(
    'with the index %j is refused',
    async text => {
      const layout = create();
      mkdirSync(layout.folder);
      writeFileSync(join(layout.folder, 'index.json'), text);
      expect((await faultOf(layout.head('v1'))).code).toBe('CONTENT_INVALID');
    },
  );

  it('finds referrers again after a tag moved and after they were removed', async () => {
    const layout = create();
    const image = imageOf('one');
    await pushImage(layout, image, 'v1');
    const referrer = await pushImage(layout, referrerOf(image.manifest, 'a/b'));
    await pushImage(layout, imageOf('two'), 'v1');
    expect((await layout.referrers(image.manifest.descriptor.digest)).map(({ digest }) => digest)).toEqual([
      referrer,
    ]);
    await layout.remove(referrer);
    expect(await layout.referrers(image.manifest.descriptor.digest)).toEqual([]);
  });

  it('needs no name when it holds one image, and offers the names when it holds several', async () => {
    const access = new RegistryAccess({ env: {} });
    const layout = create();
    await pushImage(layout, imageOf('one'), 'v1');
    expect((await open(`oci:${layout.folder}`, access)).reference).toBe('v1');
    await pushImage(layout, imageOf('two'), 'v2');
    const fault = await faultOf(open(`oci:${layout.folder}`, access));
    expect([fault.code, fault.next]).toEqual([
      'REFERENCE_INVALID',
      `name one: oci:${layout.folder}:v1, oci:${layout.folder}:v2`,
    ]);
    expect((await faultOf(open(`oci:${root}/nothing`, access))).code).toBe('FILE_MISSING');
  });

  it('says that it cannot be written', async () => {
    const path = join(root, 'a-file');
    writeFileSync(path, '');
    const layout = new LayoutRegistry(path);
    await expect(layout.push(blobOf('x').push)).rejects.toThrow();
  });
});
