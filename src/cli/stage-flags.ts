import type { Flags } from './command.ts';

/** What several stages of a pipeline are told: the image, and what an earlier job left. */
export const stageReference = {
  name: 'REF',
  brief: 'the image by its digest, or @FILE.json of the stage before',
  required: true,
} as const;

export const outFlag = {
  kind: 'text',
  placeholder: 'FILE',
  brief: 'for the next stage: JSON, or key=value lines',
  complete: 'files',
} as const;

export const releaseFlag = {
  kind: 'text',
  placeholder: 'FILE',
  brief: 'what cg ci collect or cg ci resolve left',
  required: true,
  complete: 'files',
} as const;

export const databaseFlag = {
  kind: 'text',
  placeholder: 'FOLDER',
  brief: 'where cg db keeps its index',
  env: 'CG_DB',
  complete: 'files',
} as const;

export const judgedScanFlags = {
  scan: {
    kind: 'text',
    placeholder: 'FOLDER',
    brief: 'what cg ci scan left',
    required: true,
    complete: 'files',
  },
  db: databaseFlag,
} as const satisfies Flags;
