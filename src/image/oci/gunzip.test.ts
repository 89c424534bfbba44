import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../ground/fault/fault.ts';
import { gunzip } from './gunzip.ts';

async function* pieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(packed: AsyncIterable<Uint8Array>, limit = 1e9): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of gunzip(packed, limit, 'layer')) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('gunzip', () => {
  const text = Buffer.from('0123456789'.repeat(300_000));

  it('gives back what was packed, also of several members', async () => {
    expect((await unpack(pieces(gzipSync(text)))).equals(text)).toBe(true);
    const twice = Buffer.concat([gzipSync('a'), gzipSync('b')]);
    expect((await unpack(pieces(twice))).toString()).toBe('ab');
  });

  it('stops a bomb at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    await expect(unpack(pieces(bomb), 1_000_000)).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  it.each([
    ['a truncated stream', gzipSync(text).subarray(0, -20)],
    ['a flipped bit', Buffer.from(gzipSync(text).map((byte, at) => (at === 500 ? byte ^ 1 : byte)))],
    ['something else', Buffer.from('hello')],
    [
      'trailing rubbish that begins like gzip',
      Buffer.concat([gzipSync('a'), Buffer.from([0x1f, 0x8b, 9, 9])]),
    ],
  ])('refuses %s', async (_name, packed) => {
    await expect(unpack(pieces(packed))).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  it('passes on why its source failed', async () => {
    const failing = async function* () {
      yield gzipSync(text).subarray(0, 1000);
      throw new Fault('DIGEST_MISMATCH', { what: 'wrong bytes' });
    };
    await expect(unpack(failing())).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});
