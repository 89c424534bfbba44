export interface TarFile {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** `0` file, `1` hard link, `2` symbolic link, `5` folder. */
  readonly type?: string;
  readonly link?: string;
  readonly mode?: number;
}

/** A tar of anything, the same bytes for the same files; long names become pax records. */
export function tarOf(files: readonly TarFile[]): Buffer {
  return Buffer.concat([...files.flatMap(entryOf), Buffer.alloc(1024)]);
}

/** One entry, for tests that put archives together by hand. */
export function entryOf({ name, content = '', type = '0', link = '', mode = 0o644 }: TarFile): Buffer[] {
  const body = Buffer.from(content);
  const isLong = Buffer.byteLength(name) > 100 || Buffer.byteLength(link) > 100;
  const records = isLong ? Buffer.from(paxRecord('path', name) + paxRecord('linkpath', link)) : undefined;
  const extension = records === undefined ? [] : [headerOf('pax', records.length, 'x'), padded(records)];
  return [
    ...extension,
    headerOf(name.slice(0, 100), body.length, type, link.slice(0, 100), mode),
    padded(body),
  ];
}

export function paxRecord(key: string, value: string): string {
  const body = Buffer.byteLength(` ${key}=${value}\n`);
  const length = body + String(body + String(body).length).length;
  return `${length} ${key}=${value}\n`;
}

export function headerOf(name: string, size: number, type = '0', link = '', mode = 0o644): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(type, 156);
  block.write(link, 157);
  block.write('ustar\u000000', 257);
  return withSum(block);
}

export function withSum(block: Buffer): Buffer {
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

export function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** Raw blocks in a frame without a checksum (RFC 8878, 3.1.1): zstd as far as every reader is concerned. */
export function zstdOf(bytes: Buffer): Buffer {
  const blocks: Buffer[] = [Buffer.from('28b52ffd0050', 'hex')];
  for (let at = 0; at < bytes.length; at += 1024) {
    const piece = bytes.subarray(at, at + 1024);
    const head = (piece.length << 3) | (at + 1024 >= bytes.length ? 1 : 0);
    blocks.push(Buffer.from([head & 255, (head >> 8) & 255, head >> 16]), piece);
  }
  return Buffer.concat(blocks);
}
