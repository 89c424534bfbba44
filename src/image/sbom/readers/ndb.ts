import { refuse } from './refuse.ts';

const pageSize = 4096;
const slotSize = 16;
const blockSize = 16;
const blobHeader = 16;
const mostSlotPages = 65_536;

/** The headers in a database of the kind ndb, which SUSE uses: a table of slots in front, blobs behind (little-endian). */
export function* readNdb(file: Buffer): Generator<Buffer> {
  if (file.length < pageSize || file.toString('latin1', 0, 4) !== 'RpmP')
    throw refuse('no RPM database of the kind ndb');
  const slotPages = file.readUInt32LE(12);
  const end = slotPages * pageSize;
  if (slotPages === 0 || slotPages > mostSlotPages || end > file.length)
    throw refuse('an RPM database with a wrong table');
  let total = 0;
  // The first two slots are the header of the file.
  for (let at = 2 * slotSize; at < end; at += slotSize) {
    if (file.toString('latin1', at, at + 4) !== 'Slot') throw refuse('an RPM database with a wrong slot');
    const index = file.readUInt32LE(at + 4);
    const offset = file.readUInt32LE(at + 8);
    if (index === 0) continue;
    const blob = readBlob(file, offset * blockSize, index);
    total += blob.length;
    if (total > file.length) throw refuse('an RPM database that is larger than its file');
    yield blob;
  }
}

function readBlob(file: Buffer, at: number, index: number): Buffer {
  const isBlob = at + blobHeader <= file.length && file.toString('latin1', at, at + 4) === 'BlbS';
  if (!isBlob || file.readUInt32LE(at + 4) !== index)
    throw refuse('an RPM database with a blob out of place');
  const length = file.readUInt32LE(at + 12);
  if (at + blobHeader + length > file.length) throw refuse('an RPM database that was cut short');
  return file.subarray(at + blobHeader, at + blobHeader + length);
}
