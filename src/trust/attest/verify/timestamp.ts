import { createHash } from 'node:crypto';
import {
  type Certificate,
  extendedKeyUsagesOf,
  isValidAt,
  parseCertificate,
  publicKeyOf,
} from '../certificates/certificate.ts';
import { verifyNamedSignature } from '../certificates/signature.ts';
import { digestNames, oids } from '../der/oids.ts';
import { type DerValue, readDer } from '../der/reader.ts';
import { isWithin, type TrustedAuthority } from '../trust-root/trust-root.ts';
import { findIssuer, isChain, isChainValidAt, isIssuedBy } from './certificate/chain.ts';
import { reject } from './rejection.ts';

/** The time at which a trusted authority saw the signature (RFC 3161 §2.4.2, RFC 5652 §5.4). */
export function verifyTimestamp(
  reply: Buffer,
  signature: Buffer,
  authorities: readonly TrustedAuthority[],
): Date {
  const token = openReply(reply);
  const { certificate, authority } = signerOf(token, authorities);
  checkSignature(token, certificate);
  const at = checkInfo(token.info, signature);
  if (!isValidAt(certificate, at) || !isChainValidAt(authority, at) || !isWithin(authority, at)) {
    reject('timestamp', 'the timestamp lies outside of the validity of its authority');
  }
  return at;
}

interface Token {
  readonly info: Buffer;
  readonly certificates: readonly DerValue[];
  readonly signer: DerValue[];
}

function openReply(reply: Buffer): Token {
  const [status, content, ...rest] = readDer(reply).sequence;
  const code = status?.expect(0x30).member(0).integer;
  if (code !== 0n && code !== 1n) reject('timestamp', 'the timestamp was not granted');
  const [type, wrapped] = content?.sequence ?? [];
  if (rest.length > 0 || type?.objectIdentifier !== oids.signedData || wrapped === undefined) {
    return reject('timestamp', 'the timestamp holds no signed data');
  }
  const [version, , encapsulated, ...more] = wrapped.expect(0xa0).member(0).sequence;
  const [infoType, info] = encapsulated?.sequence ?? [];
  if (version?.integer !== 3n || infoType?.objectIdentifier !== oids.tstInfo || info === undefined) {
    return reject('timestamp', 'the timestamp is not a timestamp token');
  }
  const signers = more.at(-1)?.set ?? [];
  const [signer] = signers;
  if (signer === undefined || signers.length > 1)
    return reject('timestamp', 'the timestamp needs one signer');
  return {
    info: info.expect(0xa0).member(0).octets,
    certificates: more.find(part => part.is(0xa0))?.members.slice(0, 8) ?? [],
    signer: signer.sequence,
  };
}

/** The certificate that the token names, from the trust root, or from the token when the root issued it. */
function signerOf(
  { signer, certificates }: Token,
  authorities: readonly TrustedAuthority[],
): { certificate: Certificate; authority: TrustedAuthority } {
  const [, name] = signer;
  const matches = (certificate: Certificate) =>
    name !== undefined &&
    certificate.issuer.equals(name.member(0).raw) &&
    certificate.serial === name.member(1).integer;
  for (const authority of authorities) {
    const [certificate] = authority.chain;
    if (certificate !== undefined && matches(certificate) && isLeafOf(authority)) {
      return { certificate: checkPurpose(certificate), authority };
    }
  }
  for (const { raw } of certificates) {
    const certificate = parseCertificate(raw);
    const authority = matches(certificate)
      ? findIssuer(certificate, authorities, oids.timeStamping)
      : undefined;
    if (authority !== undefined) return { certificate: checkPurpose(certificate), authority };
  }
  return reject('timestamp', 'the timestamp is signed by no authority of the trust root');
}

const leaves = new WeakMap<TrustedAuthority, boolean>();

function isLeafOf(authority: TrustedAuthority): boolean {
  const known = leaves.get(authority);
  if (known !== undefined) return known;
  const [leaf, ...issuers] = authority.chain;
  const isGood =
    leaf !== undefined &&
    (issuers.length === 0 ||
      (isChain({ ...authority, chain: issuers }, oids.timeStamping) && isIssuedBy(leaf, issuers[0])));
  leaves.set(authority, isGood);
  return isGood;
}

function checkPurpose(certificate: Certificate): Certificate {
  const isCritical = certificate.extensions.get(oids.extendedKeyUsage)?.critical === true;
  const purposes = extendedKeyUsagesOf(certificate);
  if (!isCritical || purposes.length !== 1 || purposes[0] !== oids.timeStamping) {
    reject('timestamp', 'the certificate of the timestamp is not meant for timestamps alone');
  }
  return certificate;
}

function checkSignature({ signer, info }: Token, certificate: Certificate): void {
  const [version, , digestAlgorithm, attributes, signatureAlgorithm, signature] = signer;
  const hash = digestNames[digestAlgorithm?.member(0).objectIdentifier ?? ''];
  if (version?.integer !== 1n || hash === undefined || attributes === undefined) {
    return reject('timestamp', 'the timestamp is signed in a way that is not supported');
  }
  const digest = createHash(hash).update(info).digest();
  checkAttributes(attributes.expect(0xa0).members, digest, certificate);
  // The attributes are signed as a SET although they are stored as [0] (RFC 5652 §5.4).
  const signed = Buffer.concat([Buffer.of(0x31), attributes.raw.subarray(1)]);
  const oid = signatureAlgorithm?.expect(0x30).member(0).objectIdentifier ?? '';
  const named = oid === oids.rsaEncryption ? rsaWith[hash] : oid;
  if (!verifyNamedSignature(named, signed, publicKeyOf(certificate), signature?.octets ?? Buffer.alloc(0))) {
    reject('timestamp', 'the signature of the timestamp does not verify');
  }
}

const rsaWith = { sha256: oids.rsaSha256, sha384: oids.rsaSha384, sha512: oids.rsaSha512 } as const;

function checkAttributes(attributes: readonly DerValue[], digest: Buffer, certificate: Certificate): void {
  const one = (oid: string): DerValue => {
    const found = attributes.filter(attribute => attribute.expect(0x30).member(0).objectIdentifier === oid);
    const values = found[0]?.member(1).set ?? [];
    const [value] = values;
    if (found.length !== 1 || values.length !== 1 || value === undefined) {
      return reject('timestamp', 'a signed attribute of the timestamp is missing or repeated');
    }
    return value;
  };
  if (one(oids.contentType).objectIdentifier !== oids.tstInfo)
    reject('timestamp', 'the timestamp is of another type');
  if (!one(oids.messageDigest).octets.equals(digest)) reject('timestamp', 'the timestamp was changed');
  const [hash, first] = certificateHash(one(oids.signingCertificateV2));
  const expected = createHash(hash).update(certificate.raw).digest();
  if (!first.equals(expected)) reject('timestamp', 'the timestamp names another certificate');
}

/** ESSCertIDv2, whose hash is SHA-256 when none is named (RFC 5035 §4). */
function certificateHash(attribute: DerValue): ['sha256' | 'sha384' | 'sha512', Buffer] {
  const parts = attribute.expect(0x30).member(0).expect(0x30).member(0).sequence;
  const named = parts[0]?.is(0x30) ? parts[0].member(0).objectIdentifier : oids.sha256;
  const value = parts.find(part => part.is(0x04));
  const hash = digestNames[named];
  if (hash === undefined || value === undefined)
    return reject('timestamp', 'the timestamp names no certificate');
  return [hash, value.octets];
}

function checkInfo(info: Buffer, signature: Buffer): Date {
  const [version, policy, imprint, serial, at] = readDer(info).sequence;
  const [algorithm, digest] = imprint?.sequence ?? [];
  const hash = digestNames[algorithm?.member(0).objectIdentifier ?? ''];
  const isComplete = version?.integer === 1n && policy?.is(0x06) && serial?.is(0x02) && at !== undefined;
  if (!isComplete || hash === undefined) return reject('timestamp', 'the timestamp is malformed or too weak');
  const expected = createHash(hash).update(signature).digest();
  if (digest?.octets.equals(expected) !== true)
    reject('timestamp', 'the timestamp is about another signature');
  return at.expect(0x18).time;
}
