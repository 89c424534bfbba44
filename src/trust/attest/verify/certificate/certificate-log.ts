import type { Certificate } from '../../certificates/certificate.ts';
import { verifyKeySignature } from '../../certificates/signature.ts';
import {
  encodePrecertificateEntry,
  type SignedCertificateTimestamp,
  timestampsOf,
  withoutTimestamps,
} from '../../certificates/signed-certificate-timestamp.ts';
import { isWithin, type TrustedLog } from '../../trust-root/trust-root.ts';
import { reject } from '../rejection.ts';

/** At least one known certificate transparency log has promised to publish the certificate. */
export function checkCertificateLog(
  certificate: Certificate,
  issuer: Certificate,
  logs: readonly TrustedLog[],
): void {
  const timestamps = timestampsOf(certificate);
  if (timestamps.length === 0)
    reject('certificate-log', 'the certificate carries no promise of a certificate log');
  const signed = withoutTimestamps(certificate);
  const isKnown = timestamps.some(timestamp => {
    const entry = encodePrecertificateEntry({
      at: timestamp.at,
      issuerSpki: issuer.spki,
      signed,
      extensions: timestamp.extensions,
    });
    return logs.some(log => isPromisedBy(timestamp, entry, log));
  });
  if (!isKnown)
    reject('certificate-log', 'no certificate log of the trust root promises to publish the certificate');
}

function isPromisedBy(timestamp: SignedCertificateTimestamp, entry: Buffer, log: TrustedLog): boolean {
  const at = new Date(Number(timestamp.at));
  return (
    log.keyId.equals(timestamp.logId) &&
    isWithin(log, at) &&
    timestamp.algorithm[0] === 4 &&
    verifyKeySignature(entry, log.key, timestamp.signature)
  );
}
