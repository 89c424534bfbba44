import { Fault } from '../../../ground/fault/fault.ts';
import { parseTarHeader, tarBlock } from '../../oci/archive/tar-header.ts';
import { gunzip } from '../../oci/gunzip.ts';
import { TarLoading } from './load-tar.ts';
import { type FileContent, type Owner, root, type Tree } from './tree.ts';

/** What `ADD` unpacks may be this large once it is unpacked. */
const largestArchive = 16 * 1024 ** 3;
/** Every entry costs memory, however small the archive is that names it. */
const limits = { entries: 200_000, names: 32 * 1024 * 1024 };

const magics = [
  { name: 'gzip', bytes: [0x1f, 0x8b] },
  { name: 'bzip2', bytes: [0x42, 0x5a, 0x68] },
  { name: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
] as const;

export interface Unpacking {
  /** In the words of an error. */
  readonly name: string;
  readonly below: string;
  readonly spool: string;
  readonly owner?: Owner;
  readonly signal?: AbortSignal;
}

/** Unpacks a file that is an archive, as `ADD` does whatever its name says; false when it is none. */
export async function unpackArchive(tree: Tree, content: FileContent, o: Unpacking): Promise<boolean> {
  const start = await readStart(content.open(o.signal));
  const packed = magics.find(({ bytes }) => bytes.every((byte, at) => start[at] === byte));
  if (packed !== undefined && packed.name !== 'gzip')
    throw new Fault('BUILDER_UNSUITABLE', {
      what: `${o.name} is packed with ${packed.name}, and the embedded builder unpacks tar and gzip only`,
      where: o.name,
      next: 'COPY it instead, pack it with gzip, or build with --builder buildah or --builder buildx',
    });
  const unpacked = () =>
    packed === undefined ? content.open(o.signal) : gunzip(content.open(o.signal), largestArchive, o.name);
  if (!(await isTar(unpacked))) return false;
  tree.makeFolders(o.below, o.owner ?? root);
  await new TarLoading(tree, { ...o, where: o.name, keepsFiles: true, limits }).load(unpacked());
  return true;
}

/** A file that is packed and then no tar is copied as it is. */
async function isTar(open: () => AsyncIterable<Uint8Array>): Promise<boolean> {
  const invalid = (actual: string) => new Fault('CONTENT_INVALID', { what: actual });
  try {
    const start = await readStart(open());
    return start.length >= tarBlock && parseTarHeader(start.subarray(0, tarBlock), {}, invalid) !== undefined;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

async function readStart(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of bytes) {
    pieces.push(Buffer.from(piece));
    size += piece.length;
    if (size >= tarBlock) break;
  }
  return Buffer.concat(pieces);
}
