/** Who signed, as far as the evidence proves it. */
export type Signer = CertificateSigner | KeySigner;

export interface CertificateSigner {
  readonly kind: 'certificate';
  readonly issuer: string;
  readonly subject: string;
  readonly subjectKind: 'uri' | 'email';
  /** What else the certificate says, by name: sourceRepositoryUri, buildTrigger, runnerEnvironment … */
  readonly claims: Readonly<Record<string, string>>;
}

export interface KeySigner {
  readonly kind: 'key';
  /** SHA-256 of the public key (SubjectPublicKeyInfo), hexadecimal. */
  readonly keyId: string;
}

/** Whom a policy expects. Texts are compared exactly; patterns are RE2 and must match the whole text. */
export interface IdentityPattern {
  readonly issuer?: string;
  readonly issuerRegExp?: string;
  readonly subject?: string;
  readonly subjectRegExp?: string;
  readonly claims?: Readonly<Record<string, string>>;
}

export function describeSigner(signer: Signer): string {
  return signer.kind === 'key' ? `key ${signer.keyId}` : `${signer.subject} (issuer ${signer.issuer})`;
}

export function describePattern(pattern: IdentityPattern): string {
  const subject =
    pattern.subject ?? (pattern.subjectRegExp === undefined ? '?' : `/${pattern.subjectRegExp}/`);
  const issuer = pattern.issuer ?? (pattern.issuerRegExp === undefined ? '?' : `/${pattern.issuerRegExp}/`);
  const claims = Object.entries(pattern.claims ?? {}).map(([name, value]) => `, ${name} ${value}`);
  return `${subject} (issuer ${issuer})${claims.join('')}`;
}
