interface Sourced {
  /** Where it was found, for people; it may stand in an error, the secret never. */
  readonly source: string;
}

export type Credential = Sourced &
  (
    | { readonly kind: 'password'; readonly username: string; readonly password: string }
    /** A refresh token for the registry's token service (Docker's "identity token"). */
    | { readonly kind: 'identity'; readonly token: string; readonly username?: string }
    /** A registry token that is sent as it is. */
    | { readonly kind: 'bearer'; readonly token: string }
  );

/** Who are we at this registry and repository? Undefined is a stranger. */
export type CredentialLookup = (
  registry: string,
  repository: string,
  signal?: AbortSignal,
) => Promise<Credential | undefined>;

export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
