import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { entryOf, type TarFile, tarOf } from '../../../../test/tar.ts';
import { bytesContent, type Node, Tree } from './tree.ts';
import { unpackArchive } from './unpack-archive.ts';

const files: readonly TarFile[] = [
  { name: 'app/', type: '5', mode: 0o750 },
  { name: 'app/run', content: 'RUN', mode: 0o755 },
  { name: 'app/again', type: '1', link: 'app/run' },
  { name: 'app/link', type: '2', link: '/app/run' },
  { name: '.wh.kept', content: 'a name like any other' },
];

async function unpack(bytes: Uint8Array, tree = new Tree()) {
  const spool = join(mkdtempSync(join(tmpdir(), 'cg-add-')), 'spool');
  const isArchive = await unpackArchive(tree, bytesContent(bytes), { name: 'a.tar', below: '/srv', spool });
  return { isArchive, tree };
}

async function textOf(node: Node | undefined): Promise<string> {
  if (node?.kind !== 'file') return `a ${node?.kind}`;
  const pieces: Uint8Array[] = [];
  for await (const piece of node.content.open()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe('ADD of an archive', () => {
  it.each([
    ['a tar', tarOf(files)],
    ['a tar that is packed with gzip', gzipSync(tarOf(files))],
  ])('unpacks %s below its destination, links as they are', async (_name, bytes) => {
    const { isArchive, tree } = await unpack(bytes);
    expect(isArchive).toBe(true);
    expect(await textOf(tree.find('/srv/app/run'))).toBe('RUN');
    expect(await textOf(tree.find('/srv/app/again'))).toBe('RUN');
    expect(tree.find('/srv/app/run')?.meta.mode).toBe(0o755);
    expect(await textOf(tree.find('/srv/.wh.kept'))).toBe('a name like any other');
    const folder = tree.find('/srv/app');
    expect(folder?.kind === 'folder' && folder.children.get('link')).toMatchObject({ target: '/app/run' });
  });

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['gzip that holds no tar', gzipSync('hello')],
    ['half a gzip', gzipSync(Buffer.alloc(9000, 'x')).subarray(0, 20)],
    ['zeros', Buffer.alloc(2048)],
  ])('takes %s for a file', async (_name, bytes) => {
    expect((await unpack(bytes)).isArchive).toBe(false);
  });

  it.each([
    ['bzip2', [0x42, 0x5a, 0x68, 0x39]],
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ])('refuses %s by name', async (name, bytes) => {
    await expect(unpack(Buffer.from(bytes))).rejects.toMatchObject({
      code: 'BUILDER_UNSUITABLE',
      message: expect.stringContaining(name),
    });
  });

  it.each([
    ['a name that leads out', [{ name: '../evil', content: 'x' }]],
    ['a name that leads out in the middle', [{ name: 'a/../../evil', content: 'x' }]],
  ])('refuses %s', async (_name, entries) => {
    await expect(unpack(tarOf(entries))).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  it('writes through a link of the archive inside the image only', async () => {
    const { tree } = await unpack(
      tarOf([
        { name: 'out', type: '2', link: '../../../../etc' },
        { name: 'out/passwd', content: 'root' },
      ]),
    );
    expect(await textOf(tree.find('/etc/passwd'))).toBe('root');
  });

  it('refuses an archive that was cut short', async () => {
    const cut = Buffer.concat(entryOf({ name: 'a', content: 'x'.repeat(5000) })).subarray(0, 2000);
    await expect(unpack(cut)).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });
});

it('stops at an archive that names more than an image needs', async () => {
  const one = Buffer.concat(entryOf({ name: 'a' }));
  const bomb = gzipSync(Buffer.concat(Array.from({ length: 200_001 }, () => one)));
  await expect(unpack(bomb)).rejects.toMatchObject({
    code: 'CONTENT_INVALID',
    actual: 'more than 200000 entries',
  });
});
