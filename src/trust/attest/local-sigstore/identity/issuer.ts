import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Clock } from '../../../../model/clock.ts';
import { spkiOf } from '../../certificates/profile.ts';
import type { Claims } from '../../identity-token/claims.ts';
import { decodeToken, isTokenSignedBy, signToken } from '../../identity-token/json-web-token.ts';
import { keyIdOf } from '../../log/key-id.ts';
import { Refusal } from '../refusal.ts';

const leeway = 5;
const life = 5 * 60;

/** Issues identity tokens for development, and checks them as a real issuer's tokens would be checked. */
export class LocalIssuer {
  readonly url: string;
  readonly #key: KeyObject;
  readonly #keyId: string;
  readonly #names: ReadonlySet<string>;
  readonly #clock: Clock;

  constructor(o: {
    readonly url: string;
    readonly key: KeyObject;
    readonly clock: Clock;
    /** Names of other issuers whose tokens this one may imitate, for rehearsals and tests. */
    readonly imitates?: readonly string[];
  }) {
    this.url = o.url;
    this.#key = o.key;
    this.#keyId = keyIdOf(spkiOf(o.key)).toString('hex').slice(0, 16);
    this.#names = new Set([o.url, ...(o.imitates ?? [])]);
    this.#clock = o.clock;
  }

  mint(claims: Claims): string {
    const now = Math.floor(this.#clock.now().getTime() / 1000);
    const token = { iss: this.url, aud: 'sigstore', iat: now, nbf: now, exp: now + life, ...claims };
    return signToken(token, this.#key, this.#keyId);
  }

  /** The claims of a token that is really ours, meant for us and valid now. */
  check(token: string): Claims {
    const decoded = decodeToken(token);
    if (decoded === undefined) throw new Refusal(401, 'the identity token is not a JSON Web Token');
    const { header, claims } = decoded;
    const refuse = (why: string): never => {
      throw new Refusal(401, `the identity token ${why}`);
    };
    if (header['alg'] !== 'ES256' && header['alg'] !== 'RS256')
      refuse('is signed with an algorithm that is not allowed');
    if (!this.#names.has(String(claims['iss']))) refuse('comes from an issuer that is not configured');
    if (header['kid'] !== this.#keyId) refuse('names an unknown key');
    if (!isTokenSignedBy(decoded, createPublicKey(this.#key))) refuse('has a signature that does not verify');
    this.#checkTimes(claims, refuse);
    const audiences = [claims['aud']].flat();
    if (!audiences.includes('sigstore')) refuse('is not meant for the audience "sigstore"');
    return claims;
  }

  configuration(): Claims {
    return {
      issuer: this.url,
      jwks_uri: `${this.url}/keys`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
  }

  keySet(): Claims {
    const jwk = createPublicKey(this.#key).export({ format: 'jwk' });
    return { keys: [{ ...jwk, use: 'sig', alg: 'RS256', kid: this.#keyId }] };
  }

  #checkTimes(claims: Claims, refuse: (why: string) => never): void {
    const now = this.#clock.now().getTime() / 1000;
    const { exp, nbf } = claims;
    if (typeof exp !== 'number') return refuse('has no claim "exp"');
    if (exp + leeway < now) return refuse('is expired');
    if (nbf !== undefined && (typeof nbf !== 'number' || nbf - leeway > now)) refuse('is not valid yet');
  }
}
