import type { FileContent, Node } from './tree.ts';

const block = 512;
const largestOctalId = 0o7777777;
const largestOctalSize = 0o77777777777;

/** A layer as a tar, in the byte order of its paths, every time the same: the same changes give the same bytes. */
export async function* writeTar(
  changes: ReadonlyMap<string, Node>,
  epoch: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const entries = [...changes]
    .map(([path, node]) => ({ name: node.kind === 'folder' ? `${path}/` : path, node }))
    .map(entry => ({ ...entry, bytes: Buffer.from(entry.name) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  for (const { name, node } of entries) {
    yield* header(name, node, epoch);
    if (node.kind === 'file') yield* body(node.content, name, signal);
  }
  yield Buffer.alloc(2 * block);
}

async function* body(content: FileContent, name: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of content.open(signal)) {
    signal?.throwIfAborted();
    size += chunk.length;
    if (size > content.size) break;
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  }
  // A header that promised another size would make everything behind it unreadable.
  if (size !== content.size) throw new Error(`${name} changed while it was read`);
  yield padding(size);
}

function* header(name: string, node: Node, epoch: number): Generator<Buffer> {
  const linkTarget = node.kind === 'link' ? node.target : '';
  const size = node.kind === 'file' ? node.content.size : 0;
  const records = [
    ...(needsPax(name) ? [paxRecord('path', name)] : []),
    ...(needsPax(linkTarget) ? [paxRecord('linkpath', linkTarget)] : []),
    ...(size > largestOctalSize ? [paxRecord('size', String(size))] : []),
    ...(node.meta.uid > largestOctalId ? [paxRecord('uid', String(node.meta.uid))] : []),
    ...(node.meta.gid > largestOctalId ? [paxRecord('gid', String(node.meta.gid))] : []),
  ];
  if (records.length > 0) {
    const data = Buffer.concat(records);
    yield fields({ name: 'PaxHeaders.0', mode: 0o644, uid: 0, gid: 0, size: data.length, epoch, type: 'x' });
    yield data;
    yield padding(data.length);
  }
  yield fields({
    name,
    linkTarget,
    mode: node.meta.mode,
    uid: node.meta.uid > largestOctalId ? 0 : node.meta.uid,
    gid: node.meta.gid > largestOctalId ? 0 : node.meta.gid,
    size: size > largestOctalSize ? 0 : size,
    epoch,
    type: typeOf(node),
  });
}

function typeOf(node: Node): string {
  if (node.kind === 'device') throw new Error('a device has no place in a layer of ours');
  return { folder: '5', file: '0', link: '2' }[node.kind];
}

function needsPax(text: string): boolean {
  return Buffer.byteLength(text) > 100 || !/^[\x20-\x7e]*$/.test(text);
}

/** `LENGTH KEY=VALUE\n`, the length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

interface Fields {
  readonly name: string;
  readonly linkTarget?: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly epoch: number;
  readonly type: string;
}

function fields(entry: Fields): Buffer {
  const bytes = Buffer.alloc(block);
  const text = (value: string, at: number, width: number) => Buffer.from(value).copy(bytes, at, 0, width);
  const octal = (value: number, at: number, width: number) =>
    bytes.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  text(entry.name, 0, 100);
  octal(entry.mode & 0o7777, 100, 8);
  octal(entry.uid, 108, 8);
  octal(entry.gid, 116, 8);
  octal(entry.size, 124, 12);
  octal(Math.max(0, entry.epoch), 136, 12);
  bytes.write('        ', 148, 'latin1');
  bytes.write(entry.type, 156, 'latin1');
  text(entry.linkTarget ?? '', 157, 100);
  bytes.write('ustar\u000000', 257, 'latin1');
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

function padding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block);
}
