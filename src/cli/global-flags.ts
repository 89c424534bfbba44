import type { Flags, FlagValues } from './command.ts';

/** Flags that every command takes. */
export const globalFlags = {
  output: {
    kind: 'text',
    placeholder: 'FORMAT',
    brief: 'format, or FORMAT=FILE (default text)',
    short: 'o',
    env: 'CG_OUTPUT',
    many: true,
  },
  outputFile: { kind: 'text', placeholder: 'FILE', brief: 'write the result to a file', complete: 'files' },
  quiet: { kind: 'toggle', brief: 'nothing on stderr but errors', short: 'q', env: 'CG_QUIET' },
  verbose: { kind: 'toggle', brief: 'say more, with times and causes', short: 'v', env: 'CG_VERBOSE' },
  offline: { kind: 'toggle', brief: 'open no connection', env: 'CG_OFFLINE' },
  color: {
    kind: 'text',
    placeholder: 'WHEN',
    brief: 'when to use colour',
    choices: ['auto', 'always', 'never'],
    fallback: 'auto',
  },
  help: { kind: 'toggle', brief: 'this help; -h is the short one', short: 'h' },
} as const satisfies Flags;

export type GlobalValues = FlagValues<typeof globalFlags>;
