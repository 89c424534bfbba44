import { Fault } from '../../ground/fault/fault.ts';
import { type Clock, systemClock } from '../../model/clock.ts';
import { describePattern, type IdentityPattern, type Signer } from '../../model/identity.ts';
import { checkIdentity } from '../../model/match-identity.ts';
import { publicKeyHash } from './certificates/public-key-hash.ts';
import type { IdentityToken } from './identity-token/identity-token.ts';
import { subjectOfToken } from './identity-token/identity-token.ts';
import { type IssuedCertificate, requestCertificate } from './services/fulcio.ts';
import type { Http, ServiceCall } from './services/http.ts';
import type { SigningServices } from './services/signing-services.ts';
import { ephemeralSigner } from './signers/memory-signer.ts';
import type { KeyHolder } from './signers/signer.ts';
import { readLeaf } from './verify/certificate/leaf.ts';

/** Who signs in one run of the program: a certificate that serves all statements, or a key. */
export interface SigningRun {
  /** As whom; said to the user before anything is signed. */
  readonly signer: Signer;
  /** The key to sign with now. It changes only when a certificate is about to expire. */
  current(o?: ServiceCall): Promise<SigningIdentity>;
}

export interface SigningIdentity {
  readonly key: KeyHolder;
  readonly certificate?: IssuedCertificate;
}

const leastLife = 60_000;

/** Starts a keyless run: an ephemeral key, one certificate. */
export async function startKeylessRun(
  run: {
    readonly token: IdentityToken;
    readonly services: SigningServices;
    readonly http: Http;
    readonly clock?: Clock;
    /** When the policy is known: refuse before anything is signed as somebody else. */
    readonly expected?: readonly IdentityPattern[];
  },
  o: ServiceCall = {},
): Promise<SigningRun> {
  const { token, http } = run;
  const clock = run.clock ?? systemClock;
  const url = run.services.fulcio;
  if (url === undefined) {
    throw new Fault('USAGE', {
      what: 'Keyless signing needs a certificate authority.',
      next: 'name one with --fulcio-url, or sign with --key',
    });
  }
  if (run.expected !== undefined)
    refuseUnwanted(
      { kind: 'certificate', ...subjectOfToken(token), subjectKind: 'uri', claims: {} },
      run.expected,
      false,
    );
  const enrol = async (call: ServiceCall): Promise<Required<SigningIdentity>> => {
    const key = ephemeralSigner();
    const proofOfPossession = await key.sign(Buffer.from(token.challenge), call);
    const order = { token: token.text, publicKey: key.publicKey, proofOfPossession };
    return { key, certificate: await requestCertificate({ http, url }, order, call) };
  };
  let identity = await enrol(o);
  const signer = readLeaf(identity.certificate.leaf);
  if (run.expected !== undefined) refuseUnwanted(signer, run.expected, true);
  return {
    signer,
    current: async (call = {}) => {
      const life = identity.certificate.leaf.notAfter.getTime() - clock.now().getTime();
      if (life < leastLife) identity = await enrol(call);
      return identity;
    },
  };
}

/** Starts a run that signs with a key of one's own. */
export function startKeyRun(key: KeyHolder): SigningRun {
  const keyId = publicKeyHash(key.publicKey).toString('hex');
  return { signer: { kind: 'key', keyId }, current: () => Promise.resolve({ key }) };
}

function refuseUnwanted(
  signer: Signer & { kind: 'certificate' },
  expected: readonly IdentityPattern[],
  withClaims: boolean,
): void {
  const patterns = withClaims ? expected : expected.map(({ claims: _claims, ...pattern }) => pattern);
  const isWanted = patterns.some(pattern => checkIdentity(signer, [pattern]).length === 0);
  if (isWanted) return;
  throw new Fault('SIGNER_UNWANTED', {
    what: 'This job would sign as somebody whom the policy does not expect.',
    expected: expected.map(describePattern).join(' or '),
    actual: `${signer.subject} (issuer ${signer.issuer})`,
  });
}
