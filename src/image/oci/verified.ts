import { createHash } from 'node:crypto';
import { Fault } from '../../ground/fault/fault.ts';
import type { Descriptor } from '../../model/descriptor.ts';
import { algorithmOf, type Digest, type DigestAlgorithm } from '../../model/digest.ts';

type Expected = Pick<Descriptor, 'digest' | 'size'>;

/** Streams that check themselves, and what they check; hashing the same bytes twice costs half the speed. */
const selfChecking = new WeakMap<AsyncIterable<Uint8Array>, string>();

/**
 * Passes bytes on while it hashes and counts them. The last piece is held back until everything is known to be
 * right, so that a consumer that stops at the error never has a whole wrong blob.
 */
export function verified(
  source: AsyncIterable<Uint8Array>,
  expected: Expected,
  where: string,
): AsyncIterable<Uint8Array> {
  const promise = `${expected.digest} ${expected.size}`;
  if (selfChecking.get(source) === promise) return source;
  const checked = check(source, expected, where);
  selfChecking.set(checked, promise);
  return checked;
}

/** Watches bytes pass without touching them: a stream that checks itself still does. */
export function observed(
  source: AsyncIterable<Uint8Array>,
  see: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  const watched = (async function* () {
    for await (const chunk of source) {
      see(chunk.length);
      yield chunk;
    }
  })();
  const promise = selfChecking.get(source);
  if (promise !== undefined) selfChecking.set(watched, promise);
  return watched;
}

async function* check(
  source: AsyncIterable<Uint8Array>,
  expected: Expected,
  where: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash(algorithmOf(expected.digest));
  let size = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > expected.size) throw sizeFault(expected, `more than ${expected.size} bytes`, where);
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (size !== expected.size) throw sizeFault(expected, `${size} bytes`, where);
  const actual = `${algorithmOf(expected.digest)}:${hash.digest('hex')}`;
  if (actual !== expected.digest) throw digestFault(expected.digest, actual, where);
  if (held !== undefined) yield held;
}

/** Counts only: a part of a blob has no digest of its own. */
export async function* exactly(
  source: AsyncIterable<Uint8Array>,
  size: number,
  expected: Expected,
  where: string,
): AsyncGenerator<Uint8Array> {
  let passed = 0;
  for await (const chunk of source) {
    passed += chunk.length;
    if (passed > size) throw sizeFault(expected, `more than ${size} bytes`, where);
    yield chunk;
  }
  if (passed !== size) throw sizeFault(expected, `${passed} of ${size} bytes`, where);
}

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Throws unless the bytes are what the descriptor says. */
export function verifyBytes(bytes: Uint8Array, expected: Expected, where: string): void {
  if (bytes.length !== expected.size) throw sizeFault(expected, `${bytes.length} bytes`, where);
  const actual = digestOf(bytes, algorithmOf(expected.digest));
  if (actual !== expected.digest) throw digestFault(expected.digest, actual, where);
}

export function digestFault(expected: Digest, actual: string, where: string): Fault {
  return new Fault('DIGEST_MISMATCH', {
    what: `${where} gave other content than ${expected}`,
    where,
    expected,
    actual,
  });
}

export function sizeFault(expected: Expected, actual: string, where: string): Fault {
  return new Fault('SIZE_MISMATCH', {
    what: `${where} gave a wrong number of bytes for ${expected.digest}`,
    where,
    expected: `${expected.size} bytes`,
    actual,
  });
}

/** Collects a small blob; only for content whose size was bounded before. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
