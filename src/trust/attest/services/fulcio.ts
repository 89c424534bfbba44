import type { KeyObject } from 'node:crypto';
import { type Certificate, parseCertificate } from '../certificates/certificate.ts';
import { decodeOnePem } from '../certificates/pem.ts';
import { Fields } from '../json/fields.ts';
import { parseStrictJson } from '../json/strict-json.ts';
import type { Http, ServiceCall } from './http.ts';
import { refusedBy, unreadableReply } from './refused.ts';

export interface IssuedCertificate {
  readonly leaf: Certificate;
  /** From the issuing authority up to the root. */
  readonly issuers: readonly Buffer[];
}

/** Asks a certificate authority to bind a key to the identity in a token. */
export async function requestCertificate(
  service: { readonly http: Http; readonly url: string },
  order: { readonly token: string; readonly publicKey: KeyObject; readonly proofOfPossession: Buffer },
  o: ServiceCall = {},
): Promise<IssuedCertificate> {
  const url = `${service.url}/api/v2/signingCert`;
  const content = order.publicKey.export({ format: 'pem', type: 'spki' });
  const body = JSON.stringify({
    credentials: { oidcIdentityToken: order.token },
    publicKeyRequest: {
      publicKey: { algorithm: 'ECDSA', content },
      proofOfPossession: order.proofOfPossession.toString('base64'),
    },
  });
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
  const reply = await service.http({ method: 'POST', url, headers, body }, o);
  if (reply.status !== 200 && reply.status !== 201) throw refusedBy('certificate authority', url, reply);
  try {
    const issued = new Fields(parseStrictJson(reply.body), '').object('signedCertificateEmbeddedSct');
    const pems = issued.object('chain').list('certificates', 8).map(String);
    const [leaf, ...issuers] = pems.map(pem => decodeOnePem(pem, 'CERTIFICATE'));
    if (leaf === undefined) throw new Error('the chain is empty');
    return { leaf: parseCertificate(leaf), issuers };
  } catch (cause) {
    throw unreadableReply('certificate authority', url, cause);
  }
}
