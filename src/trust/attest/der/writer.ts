/** A writer for DER (X.690): every function returns one complete encoded value. */
export function encode(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content]);
}

export function sequence(...members: readonly Uint8Array[]): Buffer {
  return encode(0x30, ...members);
}

export function set(...members: readonly Uint8Array[]): Buffer {
  return encode(0x31, ...members);
}

/** Members sorted by their encoding, as DER demands of a SET OF (X.690 §11.6). */
export function sortedSet(...members: readonly Uint8Array[]): Buffer {
  return set(...members.toSorted((a, b) => Buffer.compare(a, b)));
}

export function integer(value: number | bigint | Uint8Array): Buffer {
  if (typeof value === 'number' || typeof value === 'bigint') return integer(bytesOf(BigInt(value)));
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const magnitude = value.subarray(start);
  const isHigh = ((magnitude[0] ?? 0) & 0x80) !== 0;
  return encode(0x02, ...(isHigh ? [Buffer.of(0)] : []), magnitude);
}

export function boolean(value: boolean): Buffer {
  return encode(0x01, Buffer.of(value ? 0xff : 0));
}

export const nullValue = Buffer.of(0x05, 0x00);

export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return encode(0x03, Buffer.of(unusedBits), bytes);
}

export function octetString(bytes: Uint8Array): Buffer {
  return encode(0x04, bytes);
}

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  return encode(0x06, ...[first * 40n + second, ...rest].map(encodeBase128));
}

export function utf8String(text: string): Buffer {
  return encode(0x0c, Buffer.from(text, 'utf8'));
}

/** UTCTime until 2049 and GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function time(at: Date): Buffer {
  const year = at.getUTCFullYear();
  return year >= 1950 && year < 2050 ? encode(0x17, digitsOf(at).subarray(2)) : generalizedTime(at);
}

export function generalizedTime(at: Date): Buffer {
  return encode(0x18, digitsOf(at));
}

/** An explicitly tagged value, `[n] { … }`. */
export function explicit(n: number, ...contents: readonly Uint8Array[]): Buffer {
  return encode(0xa0 | n, ...contents);
}

/** An implicitly tagged primitive value, `[n] bytes`. */
export function implicit(n: number, bytes: Uint8Array): Buffer {
  return encode(0x80 | n, bytes);
}

/** An AlgorithmIdentifier; ECDSA and Ed25519 carry no parameters. */
export function algorithm(oid: string): Buffer {
  return sequence(objectIdentifier(oid));
}

function digitsOf(at: Date): Buffer {
  return Buffer.from(`${at.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`, 'ascii');
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = bytesOf(BigInt(length));
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}

function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

function encodeBase128(value: bigint): Buffer {
  const bytes = [Number(value & 0x7fn)];
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) bytes.unshift(Number(rest & 0x7fn) | 0x80);
  return Buffer.from(bytes);
}
