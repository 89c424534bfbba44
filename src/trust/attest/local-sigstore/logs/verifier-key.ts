import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { BoundedCache } from '../../../../ground/store/bounded-cache.ts';
import { parseCertificate, publicKeyOf } from '../../certificates/certificate.ts';

/** One certificate signs all statements of a run, so that whoever was here is here again at once. */
const recent = new BoundedCache<KeyObject>(256 * 1024, () => 1024);

/** The key that a certificate or a SubjectPublicKeyInfo holds. */
export function readVerifierKey(kind: 'certificate' | 'key', der: Buffer): KeyObject {
  const name = `${kind} ${createHash('sha256').update(der).digest('base64')}`;
  const known = recent.get(name);
  if (known !== undefined) return known;
  const key =
    kind === 'certificate'
      ? publicKeyOf(parseCertificate(der))
      : createPublicKey({ key: der, format: 'der', type: 'spki' });
  recent.put(name, key);
  return key;
}
