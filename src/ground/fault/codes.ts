/** What kind of failure a code is; the kind decides the exit code. */
export type FaultKind = 'usage' | 'remote' | 'trust' | 'interrupted' | 'bug';

export interface FaultCodeEntry {
  readonly kind: FaultKind;
  /** What it means, for `cg help CODE` and docs/errors.md. */
  readonly meaning: string;
  /** What usually causes it. */
  readonly causes: readonly string[];
  /** What to do, when the place that throws knows nothing better. */
  readonly next: string;
}

/** Every code once. Codes are stable: scripts match on them, so a code is added but never renamed. */
export const faultCodes = {
  USAGE: {
    kind: 'usage',
    meaning: 'The command line is not one that cg understands.',
    causes: ['a misspelt command or flag', 'a missing argument', 'a value that the flag does not take'],
    next: 'cg --help',
  },
  REFERENCE_INVALID: {
    kind: 'usage',
    meaning: 'A text that should name an image is not an image reference.',
    causes: [
      'upper-case letters in the repository',
      'a digest that was cut short',
      'a URL scheme in front of the name',
    ],
    next: 'write it as [host[:port]/]repository[:tag][@sha256:…]',
  },
  FILE_INVALID: {
    kind: 'usage',
    meaning: 'A file that cg was told to read is not what it should be.',
    causes: ['a typing error in the file', 'a file of another kind', 'a file that was cut short'],
    next: 'correct the file at the place named and run the command again',
  },
  FILE_MISSING: {
    kind: 'usage',
    meaning: 'A file or folder that cg was told to read is not there, or may not be read.',
    causes: ['a misspelt path', 'the wrong working folder', 'missing read permission'],
    next: 'check the path and its permissions',
  },
  WRITE_FAILED: {
    kind: 'remote',
    meaning:
      'The operating system did not let cg write what it had to write. Nothing half-written is left behind.',
    causes: ['the disk is full', 'no write permission', 'a read-only file system'],
    next: 'make room or choose another folder, then run the command again',
  },
  LOCAL_SIGSTORE_BUSY: {
    kind: 'remote',
    meaning: 'The local Sigstore cannot start: its folder or its address is in use.',
    causes: ['another local Sigstore runs on the same folder', 'the port is taken by another program'],
    next: 'use the one that runs, or choose another folder or address',
  },
  TOKEN_MISSING: {
    kind: 'usage',
    meaning: 'Keyless signing needs an identity token, and none is to be found.',
    causes: [
      'the GitHub job lacks the permission id-token: write',
      'the GitLab job has no id_tokens block with aud: sigstore',
      'the command runs outside of CI',
    ],
    next: 'give the job an identity token, or sign with --key',
  },
  TOKEN_INVALID: {
    kind: 'usage',
    meaning: 'The identity token cannot be used to sign.',
    causes: ['it is expired', 'its audience is not "sigstore"', 'it is not a JSON Web Token'],
    next: 'ask the CI for a fresh token with the audience "sigstore"',
  },
  SIGNER_UNWANTED: {
    kind: 'trust',
    meaning: 'The job would sign as somebody whom the policy does not expect, so nothing was signed.',
    causes: ['the job runs on another branch or workflow', 'the policy names another identity'],
    next: 'run the job that the policy names, or change the identity in the policy',
  },
  KEY_INVALID: {
    kind: 'usage',
    meaning: 'The signing key cannot be used.',
    causes: ['the password is wrong', 'the file is not a key', 'the key is of a kind that is not supported'],
    next: 'check the key and its password (COSIGN_PASSWORD)',
  },
  SIGNER_FAILED: {
    kind: 'remote',
    meaning: 'The program that signs for cg did not deliver a signature.',
    causes: ['it is not installed', 'it was refused access to the key', 'it took too long'],
    next: 'run the signer program by hand and see what it says',
  },
  SIGSTORE_REFUSED: {
    kind: 'remote',
    meaning: 'A Sigstore service (certificate authority, log or timestamp authority) did not do its part.',
    causes: ['the service is down', 'the identity token was refused', 'the issuer is not known there'],
    next: 'see the answer of the service above; run the command again when it is up',
  },
  EVIDENCE_INVALID: {
    kind: 'trust',
    meaning: 'Evidence that was just made does not pass our own verification, so nothing was stored.',
    causes: ['the trust root does not belong to the services that signed', 'a service is broken or hostile'],
    next: 'use the trust root of the same Sigstore that signs',
  },
  TRUST_ROOT_INVALID: {
    kind: 'trust',
    meaning: 'A trust root cannot be used to judge evidence.',
    causes: ['the file is damaged', 'an entry has no start of its validity', 'it is expired'],
    next: 'cg trust update',
  },
  STATEMENT_INVALID: {
    kind: 'usage',
    meaning: 'A statement cannot be signed, because nobody would accept it.',
    causes: ['the predicate does not fit its type', 'the subject has no digest', 'it is too large'],
    next: 'correct the predicate and run the command again',
  },
  OFFLINE: {
    kind: 'remote',
    meaning: 'The command needs something that is not on this machine, and --offline forbids fetching it.',
    causes: ['--offline or CG_OFFLINE=1 is set', 'the file or image was never fetched before'],
    next: 'run the command once without --offline',
  },
  INTERRUPTED: {
    kind: 'interrupted',
    meaning: 'The command was stopped by Ctrl-C or a termination signal before it was done.',
    causes: ['Ctrl-C', 'a CI job that was cancelled or timed out'],
    next: 'run the same command again; what was finished is not done twice',
  },
  BUG: {
    kind: 'bug',
    meaning: 'cg did something that its authors did not foresee. This is never your fault.',
    causes: ['a defect in cg'],
    next: 'run the command again with --verbose and report what it prints',
  },
} as const satisfies Record<string, FaultCodeEntry>;

export type FaultCode = keyof typeof faultCodes;
