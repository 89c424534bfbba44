import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../test/faults.ts';
import { blobOf, sha256 } from '../../../test/images.ts';
import { collect, observed, verified, verifyBytes } from './verified.ts';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('verified', () => {
  it('passes exactly the right bytes, in whatever pieces they come, and nothing else as a whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 500 }),
        fc.uint8Array({ maxLength: 500 }),
        fc.integer({ min: 1, max: 600 }),
        async (wanted, given, size) => {
          const { descriptor } = blobOf(wanted);
          const got: Uint8Array[] = [];
          const work = async (): Promise<void> => {
            for await (const chunk of verified(pieces(given, size), descriptor, 'here')) got.push(chunk);
          };
          if (sha256(given) === descriptor.digest) {
            await work();
            expect(Buffer.concat(got).equals(wanted)).toBe(true);
          } else {
            expect((await faultOf(work)).kind).toBe('trust');
            expect(Buffer.concat(got).equals(wanted) && wanted.length > 0).toBe(false);
          }
        },
      ),
      { seed: 9, numRuns: 500 },
    );
  });

  it('hashes a stream once, however often it is asked to, and only for what it promised', async () => {
    const { descriptor, bytes } = blobOf('content');
    const first = verified(pieces(bytes, 3), descriptor, 'here');
    expect(verified(first, descriptor, 'there')).toBe(first);
    expect(verified(first, blobOf('other').descriptor, 'there')).not.toBe(first);
    expect(verified(first, { ...descriptor, size: 5 }, 'there')).not.toBe(first);
  });

  it('lets itself be observed and still checks', async () => {
    const { descriptor } = blobOf('content');
    let seen = 0;
    const count = (bytes: number): void => void (seen += bytes);
    const watched = observed(verified(pieces(Buffer.from('c0ntent'), 2), descriptor, 'here'), count);
    expect(verified(watched, descriptor, 'there')).toBe(watched);
    expect((await faultOf(collect(watched))).code).toBe('DIGEST_MISMATCH');
    const unchecked = observed(pieces(Buffer.from('c0ntent'), 2), count);
    expect((await faultOf(collect(verified(unchecked, descriptor, 'there')))).code).toBe('DIGEST_MISMATCH');
    expect(seen).toBe(13);
  });

  it('checks whole bytes as well', () => {
    const { descriptor, bytes } = blobOf('content');
    verifyBytes(bytes, descriptor, 'here');
    expect(() => verifyBytes(Buffer.from('c0ntent'), descriptor, 'here')).toThrow('other content');
    expect(() => verifyBytes(Buffer.from('conten'), descriptor, 'here')).toThrow('wrong number of bytes');
  });
});
