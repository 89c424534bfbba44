import type { Flags } from './command.ts';

/** What several stages of a pipeline are told: the image, and what an earlier job left. */
export const stageReference = {
  name: 'REF',
  brief: 'the image by its digest, or @FILE.json of the stage before',
  required: true,
} as const;

export const judgedScanFlags = {
  scan: {
    kind: 'text',
    placeholder: 'FOLDER',
    brief: 'what cg ci scan left',
    required: true,
    complete: 'files',
  },
  db: {
    kind: 'text',
    placeholder: 'FOLDER',
    brief: 'where cg db keeps its index',
    env: 'CG_DB',
    complete: 'files',
  },
} as const satisfies Flags;
