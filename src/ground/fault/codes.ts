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
  FOLDER_IN_USE: {
    kind: 'remote',
    meaning: 'Another process owns the folder, and two processes must never write to it.',
    causes: ['a registry or another cg command is still running on the same folder'],
    next: 'stop the process that is named, or choose another folder',
  },
  REGISTRY_ADDRESS_INVALID: {
    kind: 'usage',
    meaning: 'The address to listen on is not HOST:PORT.',
    causes: ['a misspelt address', 'a port outside 0 to 65535'],
    next: 'cg registry serve --addr 127.0.0.1:5000',
  },
  REGISTRY_ADDRESS_REFUSED: {
    kind: 'remote',
    meaning: 'The operating system did not let the registry listen on the address.',
    causes: [
      'another program listens on the port',
      'the host is not one of this machine',
      'a port below 1024 without the right to use it',
    ],
    next: 'choose another port: cg registry serve --addr 127.0.0.1:0',
  },
  REGISTRY_OPEN_NETWORK: {
    kind: 'usage',
    meaning:
      'A registry that other machines can reach would let anyone replace images, because no passwords are set.',
    causes: ['--addr names an address other than loopback and --htpasswd is missing'],
    next: 'add --htpasswd FILE, or listen on 127.0.0.1, or accept it with --allow-anonymous-network',
  },
  HTPASSWD_INVALID: {
    kind: 'usage',
    meaning: 'The password file has a line that the registry cannot check passwords against.',
    causes: ['a plain-text or crypt(3) password', 'a line without a colon', 'the same user twice'],
    next: 'htpasswd -B FILE USER',
  },
  TLS_INVALID: {
    kind: 'usage',
    meaning: 'The certificate or key for TLS cannot be used.',
    causes: [
      'the key does not belong to the certificate',
      'a file that is not PEM',
      'only one of the two is given',
    ],
    next: 'give both --tls-cert and --tls-key, in PEM form',
  },
  STORE_FORMAT_UNKNOWN: {
    kind: 'usage',
    meaning: 'The data folder was written by another kind or a newer version of the registry.',
    causes: ['--data names a folder that holds something else', 'an older cg on a newer folder'],
    next: 'choose an empty folder, or use the version of cg that wrote it',
  },
  BUG: {
    kind: 'bug',
    meaning: 'cg did something that its authors did not foresee. This is never your fault.',
    causes: ['a defect in cg'],
    next: 'run the command again with --verbose and report what it prints',
  },
} as const satisfies Record<string, FaultCodeEntry>;

export type FaultCode = keyof typeof faultCodes;
