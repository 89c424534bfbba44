import { type KeyObject, sign, verify } from 'node:crypto';
import type { Claims } from './claims.ts';

export interface DecodedToken {
  readonly header: Claims;
  readonly claims: Claims;
  /** What the signature covers. */
  readonly signed: string;
  readonly signature: Buffer;
}

const maxTokenLength = 64 * 1024;
const part = /^[A-Za-z0-9_-]+$/;

/** Takes a JSON Web Token apart without believing it; undefined when it is not one. */
export function decodeToken(token: string): DecodedToken | undefined {
  const parts = token.length > maxTokenLength ? [] : token.split('.');
  const [header = '', claims = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every(text => part.test(text))) return undefined;
  const decoded = { header: decodePart(header), claims: decodePart(claims) };
  if (decoded.header === undefined || decoded.claims === undefined) return undefined;
  return {
    header: decoded.header,
    claims: decoded.claims,
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

/** Only ES256 and RS256 exist here; above all there is no "none". */
export function isTokenSignedBy(token: DecodedToken, key: KeyObject): boolean {
  const data = Buffer.from(token.signed);
  if (token.header['alg'] === 'ES256' && key.asymmetricKeyType === 'ec') {
    return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, token.signature);
  }
  return token.header['alg'] === 'RS256' && key.asymmetricKeyType === 'rsa'
    ? verify('sha256', data, key, token.signature)
    : false;
}

export function signToken(claims: Claims, key: KeyObject, keyId: string): string {
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  const encode = (value: Claims) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg, typ: 'JWT', kid: keyId })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function decodePart(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined;
  } catch {
    return undefined;
  }
}
