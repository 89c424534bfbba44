import { createHash } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { array, assert, bigInt, constantFrom, nat, property, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CurveName, verifyEcdsaDigest } from './ecdsa-digest.ts';

const curves = { prime256v1: p256, secp384r1: p384, secp521r1: p521 } as const;
const seed = 20_260_401;
const { Point, Signature } = p256;
const { Fn } = Point;

/** What stands in for a signature: whatever r and s, in DER. */
interface Signed {
  readonly digest: Uint8Array;
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

function ours({ digest, key, signature }: Signed, curve: CurveName = 'prime256v1'): boolean {
  try {
    return verifyEcdsaDigest(curve, digest, key, signature);
  } catch {
    return false;
  }
}

function reference({ digest, key, signature }: Signed, curve: CurveName = 'prime256v1'): boolean {
  try {
    return curves[curve].verify(signature, digest, key, { prehash: false, lowS: false, format: 'der' });
  } catch {
    return false;
  }
}

const scalar = bigInt(1n, Fn.ORDER - 1n);
const keyOf = (secret: bigint) => Point.BASE.multiply(secret).toBytes(false);
const encode = (r: bigint, s: bigint) => new Signature(r, s).toBytes('der');
const firstCoordinate = (k: bigint) => Fn.create(Point.BASE.multiply(k).toAffine().x);
/** The digest for which a signature with this nonce and this s is the right one. */
const digestFor = (d: bigint, k: bigint, s: bigint) =>
  Fn.toBytes(Fn.sub(Fn.mul(k, s), Fn.mul(firstCoordinate(k), d)));

describe('a signature of a digest is judged exactly as a curve in JavaScript would judge it', () => {
  test('for signatures with any nonce and any s, high ones too', () => {
    assert(
      property(scalar, scalar, scalar, (d, k, s) => {
        const signed = {
          digest: digestFor(d, k, s),
          key: keyOf(d),
          signature: encode(firstCoordinate(k), s),
        };
        expect([ours(signed), reference(signed)]).toEqual([true, true]);
      }),
      { seed, numRuns: 60 },
    );
  });

  test('for a bit flipped anywhere in the digest, the key or the signature', () => {
    assert(
      property(
        scalar,
        uint8Array({ minLength: 32, maxLength: 32 }),
        constantFrom('digest', 'key', 'signature'),
        nat(),
        (d, digest, part, at) => {
          const signature = p256.sign(digest, Fn.toBytes(d), { prehash: false, lowS: false, format: 'der' });
          const signed = { digest, key: keyOf(d), signature };
          const changed = Uint8Array.from(signed[part]);
          changed[(at >> 3) % changed.length]! ^= 1 << (at & 7);
          const tampered = { ...signed, [part]: changed };
          expect(ours(signed)).toBe(true);
          expect([ours(tampered), reference(tampered)]).toEqual([false, false]);
        },
      ),
      { seed, numRuns: 120 },
    );
  });

  test('for digests of any length, which are cut to the order or are short', () => {
    assert(
      property(scalar, uint8Array({ minLength: 1, maxLength: 64 }), (d, digest) => {
        const signature = p256.sign(digest, Fn.toBytes(d), { prehash: false, format: 'der' });
        expect(ours({ digest, key: keyOf(d), signature })).toBe(true);
      }),
      { seed, numRuns: 40 },
    );
  });

  test.each(['secp384r1', 'secp521r1'] as const)('on %s', curve => {
    const { secretKey, publicKey } = curves[curve].keygen();
    const compressedOrNot = [publicKey, curves[curve].Point.fromBytes(publicKey).toBytes(false)];
    for (const hash of ['sha256', 'sha384', 'sha512']) {
      const digest = createHash(hash).update('content').digest();
      const signature = curves[curve].sign(digest, secretKey, { prehash: false, lowS: false, format: 'der' });
      for (const key of compressedOrNot) {
        expect(ours({ digest, key, signature }, curve)).toBe(true);
        expect(ours({ digest: createHash(hash).digest(), key, signature }, curve)).toBe(false);
      }
    }
  });

  test('for bytes that are no signature', () => {
    assert(
      property(array(nat(255), { maxLength: 80 }), bytes => {
        const signed = {
          digest: new Uint8Array(32),
          key: keyOf(7n),
          signature: Uint8Array.from(bytes),
        };
        expect(ours(signed)).toBe(reference(signed));
      }),
      { seed, numRuns: 200 },
    );
  });
});

describe('where the sum of the two points is special', () => {
  const [d, k, s] = [123_456_789n, 987_654_321n, 31_337n];
  const r = firstCoordinate(k);

  test('a digest of zero adds nothing to the key', () => {
    // 0 = k·s − r·d
    const matching = Fn.mul(Fn.mul(r, d), Fn.inv(k));
    const signed = { digest: new Uint8Array(32), key: keyOf(d), signature: encode(r, matching) };
    expect([ours(signed), reference(signed)]).toEqual([true, true]);
    const other = { ...signed, signature: encode(r, s) };
    expect([ours(other), reference(other)]).toEqual([false, false]);
  });

  test('a digest that is the order counts as zero', () => {
    const matching = Fn.mul(Fn.mul(r, d), Fn.inv(k));
    const digest = Buffer.from(Fn.ORDER.toString(16), 'hex');
    const signed = { digest, key: keyOf(d), signature: encode(r, matching) };
    expect([ours(signed), reference(signed)]).toEqual([true, true]);
  });

  test('the key added to itself is doubled', () => {
    // e/r = d, so that u2·(Q + d·G) = u2·2d·G has to be k·G.
    const matching = Fn.mul(Fn.mul(2n, Fn.mul(d, r)), Fn.inv(k));
    const signed = { digest: Fn.toBytes(Fn.mul(d, r)), key: keyOf(d), signature: encode(r, matching) };
    expect([ours(signed), reference(signed)]).toEqual([true, true]);
  });

  test('the key added to its opposite leads nowhere, whatever s is', () => {
    const digest = Fn.toBytes(Fn.neg(Fn.mul(d, r)));
    for (const any of [1n, s, Fn.ORDER - 1n]) {
      const signed = { digest, key: keyOf(d), signature: encode(r, any) };
      expect([ours(signed), reference(signed)]).toEqual([false, false]);
    }
  });

  test('factors of one and of minus one are factors like any', () => {
    for (const factor of [1n, Fn.ORDER - 1n]) {
      // u2 = r/s
      const matching = Fn.mul(r, Fn.inv(factor));
      const signed = { digest: digestFor(d, k, matching), key: keyOf(d), signature: encode(r, matching) };
      expect([ours(signed), reference(signed)]).toEqual([true, true]);
    }
  });

  test('the opposite of the key is another key', () => {
    const signed = { digest: digestFor(d, k, s), key: keyOf(d), signature: encode(r, s) };
    const opposite = { ...signed, key: Point.BASE.multiply(d).negate().toBytes(false) };
    expect([ours(signed), ours(opposite), reference(opposite)]).toEqual([true, false, false]);
  });
});

describe('numbers outside of the order', () => {
  const integer = (value: bigint) => {
    const digits = value.toString(16);
    const bytes = Buffer.from(digits.length % 2 === 1 ? `0${digits}` : digits, 'hex');
    const positive = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
    return Buffer.concat([Buffer.of(2, positive.length), positive]);
  };
  const pair = (r: bigint, s: bigint) => {
    const content = Buffer.concat([integer(r), integer(s)]);
    return Buffer.concat([Buffer.of(0x30, content.length), content]);
  };
  const [d, k, s] = [5n, 11n, 77n];
  const [r, n] = [firstCoordinate(k), Fn.ORDER];
  const good = { digest: digestFor(d, k, s), key: keyOf(d), signature: pair(r, s) };

  test('the encoder of this test is the right one', () => expect(ours(good)).toBe(true));

  test.each([
    ['r is zero', 0n, s],
    ['s is zero', r, 0n],
    ['r is the order', n, s],
    ['s is the order', r, n],
    ['s is one order too large', r, s + n],
    ['both are one', 1n, 1n],
  ])('%s: no signature', (_, first, second) => {
    const signed = { ...good, signature: pair(first, second) };
    expect([ours(signed), reference(signed)]).toEqual([false, false]);
  });

  test('a key that is not on the curve, or is no point at all: no signature', () => {
    const off = Uint8Array.from(good.key);
    off[64]! ^= 1;
    for (const key of [off, Uint8Array.of(0), Uint8Array.of(4), new Uint8Array(65)]) {
      expect([ours({ ...good, key }), reference({ ...good, key })]).toEqual([false, false]);
    }
  });
});
