import type { KeyObject } from 'node:crypto';
import { encodeBase64 } from '../json/base64.ts';
import { canonicalJson } from '../json/canonical-json.ts';

export interface HashedRekord {
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  readonly keyDetails: string;
  readonly verifier: { readonly kind: 'x509Certificate' | 'publicKey'; readonly der: Uint8Array };
}

/** The one body that Rekor 2 stores for a digest with its signature (hashedrekord 0.0.2). */
export function encodeHashedRekordBody(entry: HashedRekord): Buffer {
  const { digest, signature, keyDetails, verifier } = entry;
  const body = {
    apiVersion: '0.0.2',
    kind: 'hashedrekord',
    spec: {
      hashedRekordV002: {
        data: { algorithm: 'SHA2_256', digest: encodeBase64(digest) },
        signature: {
          content: encodeBase64(signature),
          verifier: { keyDetails, [verifier.kind]: { rawBytes: encodeBase64(verifier.der) } },
        },
      },
    },
  };
  return Buffer.from(canonicalJson(body));
}

/** Sigstore's name for a kind of key together with the hash that it signs. */
export function keyDetailsOf(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ed25519') return 'PKIX_ED25519';
  if (key.asymmetricKeyType === 'rsa') return `PKIX_RSA_PKCS1V15_${modulusLength}_SHA256`;
  if (namedCurve === 'secp384r1') return 'PKIX_ECDSA_P384_SHA_384';
  return namedCurve === 'secp521r1' ? 'PKIX_ECDSA_P521_SHA_512' : 'PKIX_ECDSA_P256_SHA_256';
}
