import { createHash, type Hash } from 'node:crypto';
import { basename } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { openRegularFile } from '../../ground/store/regular-file.ts';
import { TarWalk } from '../../image/oci/archive/walk-tar.ts';
import { gunzip } from '../../image/oci/gunzip.ts';

/** More than any scanner; a bomb ends here. */
const largestArchive = 4 * 1024 * 1024 * 1024;

/** The digest of a program in the tar.gz of its release; undefined when the file is no gzip and so the program itself. */
export async function digestInArchive(path: string, program: string): Promise<string | undefined> {
  const file = await openRegularFile(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    if (bytesRead < 2 || buffer.readUInt16BE(0) !== 0x1f8b) return undefined;
    const found = new Map<string, Hash>();
    const refuse = (actual: string): Fault =>
      new Fault('CONTENT_INVALID', { what: `${path} cannot be unpacked`, where: path, actual });
    const walk = new TarWalk(({ type, name }) => {
      const isFile = type === '0' || type === '\0';
      if (!isFile || basename(name) !== program) return undefined;
      const hash = createHash('sha256');
      found.set(name, hash);
      return { write: piece => void hash.update(piece), end: () => undefined };
    }, refuse);
    const packed = file.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Uint8Array>;
    for await (const piece of gunzip(packed, largestArchive, path)) walk.write(piece);
    walk.end();
    const [only, ...others] = found.entries();
    if (only !== undefined && others.length === 0) return only[1].digest('hex');
    throw new Fault('CONTENT_INVALID', {
      what: `the archive does not hold one program ${program}`,
      where: path,
      actual: [...found.keys()].join(', ') || 'none',
      next: 'name the archive of the release for one platform with --asset, or the program itself',
    });
  } finally {
    await file.close();
  }
}
