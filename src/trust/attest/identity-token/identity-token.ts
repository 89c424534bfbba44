import { Fault } from '../../../ground/fault/fault.ts';
import type { Clock } from '../../../model/clock.ts';
import type { Claims } from './claims.ts';
import { decodeToken } from './json-web-token.ts';

/** An identity token and what it says; the text itself is never shown to anybody. */
export interface IdentityToken {
  /** Only for the request to the certificate authority. */
  readonly text: string;
  readonly source: string;
  readonly claims: Claims;
  /** What the proof of possession must be made over. */
  readonly challenge: string;
}

/** Looks into a token before it is used, so that the error names the claim and not the server's status. */
export function readIdentityToken(text: string, source: string, clock: Clock): IdentityToken {
  const trimmed = text.trim();
  const decoded = decodeToken(trimmed);
  if (decoded === undefined) throw invalid(source, 'it is not a JSON Web Token', 'three base64url parts');
  const { claims } = decoded;
  const now = clock.now().getTime() / 1000;
  if (typeof claims['exp'] !== 'number') throw invalid(source, 'it has no claim "exp"', 'a time of expiry');
  if (claims['exp'] <= now)
    throw invalid(source, `it expired ${ago(now - claims['exp'])} ago`, 'a token that is still valid');
  const audiences = [claims['aud']].flat();
  if (!audiences.includes('sigstore'))
    throw invalid(source, 'it is not meant for Sigstore', 'the audience "sigstore"');
  const challenge = claims['email'] ?? claims['sub'];
  if (typeof challenge !== 'string' || challenge === '')
    throw invalid(source, 'it has no claim "sub"', 'a subject');
  return { text: trimmed, source, claims, challenge };
}

/** As whom a certificate for this token would let us sign. */
export function subjectOfToken({ claims }: IdentityToken): {
  readonly issuer: string;
  readonly subject: string;
} {
  const text = (name: string) => (typeof claims[name] === 'string' ? claims[name] : undefined);
  const github = text('job_workflow_ref');
  const gitlab = text('ci_config_ref_uri');
  const subject =
    (github === undefined ? undefined : `https://github.com/${github}`) ??
    (gitlab === undefined ? undefined : `https://${gitlab}`) ??
    text('email') ??
    text('sub') ??
    '';
  return { issuer: text('iss') ?? '', subject };
}

function invalid(source: string, why: string, expected: string): Fault {
  return new Fault('TOKEN_INVALID', {
    what: `The identity token cannot be used: ${why}.`,
    where: source,
    expected,
  });
}

function ago(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`;
}
