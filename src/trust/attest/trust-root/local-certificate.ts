import type { Certificate } from '../certificates/certificate.ts';

/** Stands in the organization of everything that a local Sigstore issues. */
export const localMark = 'NOT FOR PRODUCTION';

export function saysLocal({ subject, issuer }: Pick<Certificate, 'subject' | 'issuer'>): boolean {
  return subject.includes(localMark) || issuer.includes(localMark);
}
