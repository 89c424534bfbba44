import { HttpClient } from '../src/ground/http/client.ts';
import { systemClock } from '../src/model/clock.ts';
import type { Digest } from '../src/model/digest.ts';
import type { IdentityPattern } from '../src/model/identity.ts';
import { readIdentityToken } from '../src/trust/attest/identity-token/identity-token.ts';
import { githubClaims } from '../src/trust/attest/local-sigstore/identity/development-identity.ts';
import {
  type LocalSigstore,
  type LocalSigstoreOptions,
  startLocalSigstore,
} from '../src/trust/attest/local-sigstore/start.ts';
import { clientHttp } from '../src/trust/attest/services/client-http.ts';
import { parseSigningConfig } from '../src/trust/attest/services/signing-services.ts';
import type { SigningPlace } from '../src/trust/attest/sign.ts';
import { type SigningRun, startKeylessRun } from '../src/trust/attest/signing-run.ts';
import { buildStatement } from '../src/trust/attest/statement.ts';
import { parseTrustRoot, type TrustRoot } from '../src/trust/attest/trust-root/trust-root.ts';
import type { Expectations } from '../src/trust/attest/verify/expectations.ts';

/** A local Sigstore with somebody who signs against it: what most tests of evidence begin with. */
export interface EvidenceLab {
  readonly sigstore: LocalSigstore;
  readonly root: TrustRoot;
  readonly identity: IdentityPattern;
  place(variant?: 'v1' | 'v1-tsa' | 'v2-tsa'): SigningPlace;
  run(claims?: Readonly<Record<string, unknown>>): Promise<SigningRun>;
  expect(more?: Partial<Expectations>): Expectations;
}

export const image: Digest = `sha256:${'ab'.repeat(32)}`;
export const otherImage: Digest = `sha256:${'cd'.repeat(32)}`;

export const exampleStatement = buildStatement({
  name: 'registry.example/shop/web',
  digest: image,
  predicateType: 'https://example.com/predicate/v1',
  predicate: { answer: 42, text: 'größer' },
});

export async function openEvidenceLab(o: Partial<LocalSigstoreOptions> = {}): Promise<EvidenceLab> {
  const sigstore = await startLocalSigstore({ project: 'lab', ...o });
  const root = parseTrustRoot(`local:${o.project ?? 'lab'}`, JSON.stringify(sigstore.trustedRoot));
  const http = clientHttp(new HttpClient());
  const clock = o.clock ?? systemClock;
  const services = (variant: 'v1' | 'v1-tsa' | 'v2-tsa') =>
    parseSigningConfig(JSON.stringify(sigstore.signingConfig(variant)), clock.now());
  const identity = {
    issuer: sigstore.issuer,
    subject: 'https://github.com/example/shop/.github/workflows/release.yml@refs/heads/main',
  };
  return {
    sigstore,
    root,
    identity,
    place: (variant = 'v2-tsa') => ({ services: services(variant), http, root }),
    run: claims =>
      startKeylessRun({
        token: readIdentityToken(sigstore.mintToken(claims ?? githubClaims()), 'test', clock),
        services: services('v2-tsa'),
        http,
        clock,
      }),
    expect: more => ({ digest: image, identities: [identity], trust: { allowLocal: true }, ...more }),
  };
}
