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
  BUG: {
    kind: 'bug',
    meaning: 'cg did something that its authors did not foresee. This is never your fault.',
    causes: ['a defect in cg'],
    next: 'run the command again with --verbose and report what it prints',
  },
} as const satisfies Record<string, FaultCodeEntry>;

export type FaultCode = keyof typeof faultCodes;
