import { Fault } from '../../../../ground/fault/fault.ts';
import type { HttpClient } from '../../../../ground/http/client.ts';
import { basicHeader, type Credential, type CredentialLookup } from '../../credentials/credential.ts';
import { type Challenge, chooseChallenge, parseChallenges } from './challenge.ts';
import { fetchToken, type Token } from './token.ts';

export interface Access {
  readonly repository: string;
  /** `repository:NAME:pull,push`, one for each repository that takes part. */
  readonly scopes: readonly string[];
  readonly signal?: AbortSignal;
}

/** Who we are at one registry: remembers its challenge, and a token for each set of scopes. */
export class Authorizer {
  readonly #http: HttpClient;
  readonly #registry: { readonly name: string; readonly base: URL };
  readonly #credentials: CredentialLookup;
  readonly #tokens = new Map<string, Promise<Token>>();
  readonly #secrets = new Set<string>();
  #challenge: Challenge | undefined;

  constructor(
    http: HttpClient,
    registry: { readonly name: string; readonly base: URL },
    credentials: CredentialLookup,
  ) {
    this.#http = http;
    this.#registry = registry;
    this.#credentials = credentials;
  }

  /** Whether the registry has asked who we are. */
  get wasAsked(): boolean {
    return this.#challenge !== undefined;
  }

  /** The header to begin with: none before the registry has asked, then without waiting to be asked again. */
  async header(access: Access): Promise<string | undefined> {
    return this.#challenge === undefined ? undefined : await this.#answer(this.#challenge, access);
  }

  /** After a 401: reads what the registry wants and forgets what it did not accept. */
  async renew(challengeHeader: string | undefined, access: Access): Promise<string | undefined> {
    const challenge = chooseChallenge(parseChallenges(challengeHeader ?? ''));
    this.#tokens.delete(keyOf(access));
    if (challenge === undefined) return undefined;
    this.#challenge = challenge;
    return await this.#answer(challenge, access);
  }

  async source(access: Access): Promise<string | undefined> {
    return (await this.#find(access))?.source;
  }

  /** Takes every secret that we sent out of a text that a server sent back. */
  hide(text: string): string {
    let clean = text
      .replace(/eyJ[\w-]+\.[\w.-]+/g, '…')
      .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 …');
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '…');
    return clean;
  }

  async #answer(challenge: Challenge, access: Access): Promise<string | undefined> {
    const credential = await this.#find(access);
    if (credential?.kind === 'bearer') return `Bearer ${credential.token}`;
    if (challenge.scheme === 'bearer') return (await this.#token(challenge, access, credential)).header;
    if (credential === undefined) return undefined;
    return credential.kind === 'password'
      ? basicHeader(credential.username, credential.password)
      : basicHeader(credential.username ?? '<token>', credential.token);
  }

  async #token(challenge: Challenge, access: Access, credential: Credential | undefined): Promise<Token> {
    const key = keyOf(access);
    const known = this.#tokens.get(key);
    if (known !== undefined) {
      const token = await known;
      if (token.renewAt > this.#http.timing.now()) return token;
      // Somebody else may have begun to renew it while we waited.
      if (this.#tokens.get(key) !== known) return await this.#token(challenge, access, credential);
    }
    const asked = fetchToken({
      http: this.#http,
      registry: this.#registry.base,
      challenge,
      scopes: scopesOf(challenge, access),
      credential,
      ...(access.signal !== undefined && { signal: access.signal }),
    });
    this.#tokens.set(key, asked);
    try {
      const token = await asked;
      this.#secrets.add(token.header.replace('Bearer ', ''));
      return token;
    } catch (error) {
      if (this.#tokens.get(key) === asked) this.#tokens.delete(key);
      throw error;
    }
  }

  async #find(access: Access): Promise<Credential | undefined> {
    const credential = await this.#credentials(this.#registry.name, access.repository, access.signal);
    if (credential === undefined) return undefined;
    const secret = credential.kind === 'password' ? credential.password : credential.token;
    this.#secrets.add(secret);
    if (credential.kind === 'password') this.#secrets.add(basicHeader(credential.username, secret).slice(6));
    if (/[\r\n\0]/.test(secret)) {
      throw new Fault('CREDENTIALS_INVALID', {
        what: `the secret from ${credential.source} holds a line break`,
      });
    }
    return credential;
  }
}

function keyOf({ repository, scopes }: Access): string {
  return scopes.length === 0 ? `login ${repository}` : [...scopes].sort().join(' ');
}

/** We know best what we need; only where we need nothing in particular does the registry's own wish count. */
function scopesOf(challenge: Challenge, access: Access): readonly string[] {
  if (access.scopes.length > 0) return access.scopes;
  return challenge.parameters['scope']?.split(' ').filter(Boolean) ?? [];
}
