import { createECDH } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';

const curves = { prime256v1: p256, secp384r1: p384, secp521r1: p521 } as const;

export type CurveName = keyof typeof curves;

export function isCurveName(name: string | undefined): name is CurveName {
  return Object.hasOwn(curves, name ?? '');
}

/**
 * Verifies an ECDSA signature when only the digest is known.
 *
 * node:crypto insists on hashing, and a curve in JavaScript takes milliseconds. But u1·G + u2·Q, whose x has to be r
 * (FIPS 186-5 §6.4.2), equals u2·(Q + t·G) with t = u1/u2 = e/r: both multiplications are then such as ECDH does
 * natively, the second needs no more than the x it gives, and what is left for JavaScript is one addition.
 */
export function verifyEcdsaDigest(
  curve: CurveName,
  digest: Uint8Array,
  publicKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { Point, Signature } = curves[curve];
  const { Fn } = Point;
  // Refuses odd DER, and what does not lie between 0 and the order.
  const { r, s } = Signature.fromBytes(signature, 'der');
  const e = Fn.create(leftmost(digest, Fn.BITS));
  const inverse = Fn.inv(Fn.mul(r, s));
  const t = Fn.mul(Fn.mul(e, s), inverse);
  const u2 = Fn.mul(Fn.mul(r, r), inverse);
  const ecdh = createECDH(curve);
  const multiplyBase = (scalar: bigint) => {
    ecdh.setPrivateKey(Fn.toBytes(scalar));
    return ecdh.getPublicKey();
  };
  const key = Point.fromBytes(publicKey);
  const sum = t === 0n ? key : key.add(Point.fromBytes(multiplyBase(t)));
  if (sum.is0()) return false;
  multiplyBase(u2);
  const x = ecdh.computeSecret(sum.toBytes(false));
  return Fn.create(toNumber(x)) === r;
}

/** As many bits as the order has, from the left (FIPS 186-5 §6.4.2, step 2). */
function leftmost(digest: Uint8Array, bits: number): bigint {
  const surplus = digest.length * 8 - bits;
  return surplus > 0 ? toNumber(digest) >> BigInt(surplus) : toNumber(digest);
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
}
