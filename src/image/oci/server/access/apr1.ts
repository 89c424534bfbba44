import { createHash } from 'node:crypto';

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The order in which the sixteen bytes of the digest are written, three at a time. */
const groups = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const;

/** The MD5 scheme of Apache's `htpasswd -m`: `$apr1$SALT$HASH`. Kept only to read old files. */
export function hashApr1(password: string, salt: string): string {
  const key = Buffer.from(password, 'utf8');
  const salted = Buffer.from(salt, 'latin1');
  let digest = mixKey(key, salted);
  for (let round = 0; round < 1_000; round++) {
    digest = md5(
      round % 2 === 1 ? key : digest,
      round % 3 === 0 ? empty : salted,
      round % 7 === 0 ? empty : key,
      round % 2 === 1 ? digest : key,
    );
  }
  return `$apr1$${salt}$${encode(digest)}`;
}

const empty = Buffer.alloc(0);

function mixKey(key: Buffer, salt: Buffer): Buffer {
  const alternate = md5(key, salt, key);
  const parts = [key, Buffer.from('$apr1$', 'latin1'), salt];
  for (let left = key.length; left > 0; left -= 16) parts.push(alternate.subarray(0, Math.min(16, left)));
  for (let bits = key.length; bits > 0; bits >>= 1) {
    parts.push(bits % 2 === 1 ? Buffer.alloc(1) : key.subarray(0, 1));
  }
  return md5(...parts);
}

function md5(...parts: readonly Buffer[]): Buffer {
  return createHash('md5').update(Buffer.concat(parts)).digest();
}

function encode(digest: Buffer): string {
  const byte = (index: number): number => digest[index] ?? 0;
  const wide = groups.map(([a, b, c]) => spell((byte(a) << 16) | (byte(b) << 8) | byte(c), 4));
  return wide.join('') + spell(byte(11), 2);
}

function spell(value: number, places: number): string {
  let text = '';
  for (let left = value, place = 0; place < places; place++, left >>= 6) text += alphabet[left & 63];
  return text;
}
