import { createHash } from 'node:crypto';
import { readDer } from '../der/reader.ts';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The id of an ECDSA log key, and of every certificate transparency log (RFC 6962 §3.2). */
export function keyIdOf(spki: Uint8Array): Buffer {
  return sha256(spki);
}

/** The id of an Ed25519 key that signs notes under a name. */
export function ed25519NoteKeyId(name: string, spki: Uint8Array): Buffer {
  return sha256(Buffer.from(`${name}\n\x01`, 'latin1'), readDer(spki).member(1).bits);
}

export function rsaNoteKeyId(name: string, spki: Uint8Array): Buffer {
  return sha256(Buffer.from(`${name}\n\xffPKIX-RSA-PKCS#1v1.5`, 'latin1'), spki);
}
