import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { faultOf } from '../../../../test/faults.ts';
import { imageOf, pushImage, referrerOf, sha256 } from '../../../../test/images.ts';
import { mediaTypes } from '../../../model/descriptor.ts';
import { parseContent } from '../content.ts';
import { LayoutRegistry } from '../layout/layout.ts';
import { collect } from '../verified.ts';
import { ArchiveFile } from './archive-file.ts';
import { DockerArchive } from './docker-archive.ts';
import { OciArchive } from './oci-archive.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-archive-'));
let count = 0;
afterAll(() => rmSync(root, { recursive: true }));

const layers = { plain: Buffer.from('the plain layer'), packed: Buffer.from('the packed layer') };

/** What `docker save` writes, in the form before Docker 25: a folder for each layer, one of them linked. */
function saveDocker(change: { diffIds?: string[]; manifest?: unknown; format?: string } = {}): string {
  const folder = join(root, `docker-${count++}`);
  mkdirSync(join(folder, 'one'), { recursive: true });
  mkdirSync(join(folder, 'two'));
  writeFileSync(join(folder, 'one/layer.tar'), layers.plain);
  writeFileSync(join(folder, 'two/layer.tar.gz'), gzipSync(layers.packed));
  symlinkSync('../one/layer.tar', join(folder, 'two/again.tar'));
  const diffIds = change.diffIds ?? [sha256(layers.plain), sha256(layers.packed), sha256(layers.plain)];
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  const saved = [
    {
      Config: 'config.json',
      RepoTags: ['registry.example.com/shop/web:v1', 'web:edge'],
      Layers: ['one/layer.tar', 'two/layer.tar.gz', 'two/again.tar'],
    },
  ];
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify('manifest' in change ? change.manifest : saved),
  );
  execFileSync('tar', [`--format=${change.format ?? 'gnu'}`, '-cf', `${folder}.tar`, '-C', folder, '.']);
  return `${folder}.tar`;
}

describe('the output of docker save', () => {
  it.each(['gnu', 'pax', 'ustar'])(
    'is an image made of its configuration and its layers as they are (%s)',
    async format => {
      const archive = await DockerArchive.open(saveDocker({ format }));
      const manifest = await archive.manifest('v1');
      const content = parseContent(manifest);
      if (content.kind !== 'manifest') throw new Error('no image');
      expect(content.layers.map(({ mediaType }) => mediaType)).toEqual([
        mediaTypes.layerTar,
        mediaTypes.layerGzip,
        mediaTypes.layerTar,
      ]);
      expect((await collect(archive.blob(content.layers[2] ?? content.config))).toString()).toBe(
        'the plain layer',
      );
      expect(JSON.parse((await collect(archive.blob(content.config))).toString())).toMatchObject({
        os: 'linux',
      });
      expect((await archive.manifest('registry.example.com/shop/web:v1')).descriptor.digest).toBe(
        manifest.descriptor.digest,
      );
      expect((await archive.manifest('web:edge')).descriptor.digest).toBe(manifest.descriptor.digest);
      const tags: string[] = [];
      for await (const tag of archive.tags()) tags.push(tag);
      expect(tags).toEqual(['edge', 'v1']);
    },
  );

  it('with a layer that its configuration does not know is refused', async () => {
    const other = sha256(Buffer.from('other'));
    const good = [sha256(layers.plain), sha256(layers.packed), sha256(layers.plain)];
    for (const at of [0, 1]) {
      const diffIds = good.map((diffId, index) => (index === at ? other : diffId));
      expect((await faultOf(DockerArchive.open(saveDocker({ diffIds })))).code).toBe('DIGEST_MISMATCH');
    }
    expect((await faultOf(DockerArchive.open(saveDocker({ diffIds: [] })))).code).toBe('FILE_INVALID');
  });

  it('that names one layer a thousand times reads it once, and not more images than anybody saves', async () => {
    const open = (times: number): Promise<DockerArchive> => {
      const image = { Config: 'config.json', Layers: ['one/layer.tar', 'two/layer.tar.gz', 'two/again.tar'] };
      return DockerArchive.open(saveDocker({ manifest: Array.from({ length: times }, () => image) }));
    };
    const read = vi.spyOn(ArchiveFile.prototype, 'read');
    try {
      expect((await open(200)).images.length).toBe(200);
      // Each image has its configuration read; each of the two layers is sniffed and read once.
      expect(read.mock.calls.length).toBeLessThan(210);
    } finally {
      read.mockRestore();
    }
    expect((await faultOf(open(1001))).actual).toBe('more than 1000 images');
  });

  it.each([
    [null],
    [{}],
    [[{}]],
    [[{ Config: 'missing.json', Layers: [] }]],
    [[{ Config: 5, Layers: [] }]],
    [[{ Config: '../../etc/passwd', Layers: [] }]],
  ])('with the list %j is refused', async manifest => {
    expect((await faultOf(DockerArchive.open(saveDocker({ manifest })))).code).toBe('FILE_INVALID');
  });

  it('can only be read, and has no referrers', async () => {
    const archive = await DockerArchive.open(saveDocker());
    expect((await faultOf(archive.push())).code).toBe('UNSUPPORTED');
    expect(await archive.referrers()).toEqual([]);
    expect(await archive.head('nothing')).toBeUndefined();
  });
});

describe('an OCI archive', () => {
  async function pack(): Promise<string> {
    const layout = new LayoutRegistry(join(root, `oci-${count++}`));
    const image = imageOf('one');
    await pushImage(layout, image, 'v1');
    await pushImage(layout, referrerOf(image.manifest, 'a/b'));
    execFileSync('tar', ['-cf', `${layout.folder}.tar`, '-C', layout.folder, '.']);
    return `${layout.folder}.tar`;
  }

  it('gives referrers, and can only be read', async () => {
    const archive = await OciArchive.open(await pack());
    expect((await archive.referrers(imageOf('one').manifest.descriptor.digest)).length).toBe(1);
    expect((await faultOf(archive.push())).next).toContain('oci:PATH');
  });

  it('of the other kind is named', async () => {
    expect((await faultOf(OciArchive.open(saveDocker()))).next).toContain('docker-archive:');
    expect((await faultOf(DockerArchive.open(await pack()))).next).toContain('oci-archive:');
  });

  it('that is compressed says how to unpack it', async () => {
    const path = await pack();
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    expect((await faultOf(OciArchive.open(`${path}.gz`))).next).toBe(`gunzip ${path}.gz`);
  });

  it('with a changed byte anywhere is refused or gives the right bytes', async () => {
    const path = await pack();
    const bytes = readFileSync(path);
    const image = imageOf('one');
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 97) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      writeFileSync(`${path}.changed`, changed);
      try {
        const archive = await OciArchive.open(`${path}.changed`);
        for (const { descriptor } of image.blobs)
          expect(sha256(await collect(archive.blob(descriptor)))).toBe(descriptor.digest);
        expect((await archive.manifest(image.manifest.descriptor.digest)).bytes).toEqual(
          Buffer.from(image.manifest.bytes),
        );
      } catch {
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(5);
  });

  it('that is cut anywhere never gives wrong bytes', async () => {
    const path = await pack();
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length += 700) {
      writeFileSync(`${path}.cut`, bytes.subarray(0, length));
      const archive = await OciArchive.open(`${path}.cut`).catch(() => undefined);
      for (const { descriptor } of imageOf('one').blobs) {
        const blob =
          archive === undefined ? undefined : await collect(archive.blob(descriptor)).catch(() => undefined);
        if (blob !== undefined) expect(sha256(blob)).toBe(descriptor.digest);
      }
    }
  });

  it('of junk is refused, whatever the junk', async () => {
    const path = join(root, 'junk.tar');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2048 }), async junk => {
        writeFileSync(path, junk);
        expect((await faultOf(OciArchive.open(path))).kind).toMatch(/usage|remote/);
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('knows names that are longer than a header has room for', async () => {
    const folder = join(root, 'long');
    const deep = join(folder, 'd'.repeat(90), 'e'.repeat(90), 'f'.repeat(90));
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, 'file'), 'found');
    for (const format of ['gnu', 'pax']) {
      execFileSync('tar', [`--format=${format}`, '-cf', `${folder}.tar`, '-C', folder, '.']);
      const archive = await ArchiveFile.open(`${folder}.tar`);
      expect(
        (
          await archive.readSmall(`${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(90)}/file`, 100)
        )?.toString(),
      ).toBe('found');
    }
  });

  it('that is missing, or a folder, is said to be so', async () => {
    expect((await faultOf(OciArchive.open(join(root, 'none.tar')))).code).toBe('FILE_MISSING');
    expect((await faultOf(OciArchive.open(root))).next).toContain('oci:');
  });
});
