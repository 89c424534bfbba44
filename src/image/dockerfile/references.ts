import { expand, missingVariables } from './expand.ts';
import { type Dockerfile, type DockerfileProblem, flagValue, type Instruction } from './instruction.ts';
import type { SourceRange } from './source-text.ts';
import { findStage, neededStages, readStages, type Stage, type StageOptions, targetStage } from './stages.ts';
import { splitAssignments } from './words.ts';

/** Why an image is needed: `base` reaches the image that is built, `build` only a stage that is left behind. */
export type ReferenceKind = 'base' | 'build' | 'copy' | 'mount' | 'frontend';

/** One mention of an image in a Dockerfile. */
export interface ImageMention {
  readonly kind: ReferenceKind;
  /** False in a stage that the target does not stand on: nothing of it is ever fetched. */
  readonly isNeeded: boolean;
  /** As the Dockerfile names it, variables replaced. */
  readonly image: string;
  readonly raw: string;
  /** Where to change it: the mention itself, or the default of the ARG that is the whole of it. */
  readonly range?: SourceRange;
  /** Variables without a value; then it is no image yet. */
  readonly missing: readonly string[];
  readonly offset: number;
}

type Found = Omit<ImageMention, 'isNeeded'>;

export interface Mentions {
  readonly mentions: readonly ImageMention[];
  readonly problems: readonly DockerfileProblem[];
}

/** Every image that a Dockerfile names, in its order, wherever it can be named. */
export function findMentions(
  dockerfile: Dockerfile,
  o: StageOptions & { readonly target?: string } = {},
): Mentions {
  const { stages, globals, problems } = readStages(dockerfile, o);
  const target = targetStage(stages, o.target);
  const variables = new Map([...Object.entries(o.platformArgs ?? {}), ...globals]);
  const reading = { dockerfile, stages, variables };
  const needed = new Set(target === undefined ? stages : neededStages(stages, target));
  const mentions = stages.flatMap(stage =>
    [
      ...mentionOfStage(dockerfile, stage, ancestorsOf(stages, target)),
      ...stage.instructions.flatMap(instruction => mentionsOf(instruction, stage, reading)),
    ].map(mention => ({ ...mention, isNeeded: needed.has(stage) })),
  );
  return { mentions: [...frontendOf(dockerfile), ...mentions], problems };
}

function frontendOf({ directives }: Dockerfile): ImageMention[] {
  return directives.flatMap(({ name, value, range }) =>
    name === 'syntax'
      ? [
          {
            kind: 'frontend' as const,
            isNeeded: true,
            image: value,
            raw: value,
            range,
            missing: [],
            offset: range.start,
          },
        ]
      : [],
  );
}

function ancestorsOf(stages: readonly Stage[], target: Stage | undefined): ReadonlySet<number> {
  const found = new Set<number>();
  for (let at = target; at !== undefined; at = at.parent === undefined ? undefined : stages[at.parent])
    found.add(at.index);
  return found;
}

function mentionOfStage(dockerfile: Dockerfile, stage: Stage, ancestors: ReadonlySet<number>): Found[] {
  if (stage.parent !== undefined || stage.from === 'scratch') return [];
  const range = placeToEdit(dockerfile, stage.rawFrom, stage.fromRange);
  return [
    {
      kind: ancestors.has(stage.index) ? 'base' : 'build',
      image: stage.from,
      raw: stage.rawFrom,
      ...(range !== undefined && { range }),
      missing: stage.missing,
      offset: stage.head.range.start,
    },
  ];
}

interface Reading {
  readonly dockerfile: Dockerfile;
  readonly stages: readonly Stage[];
  readonly variables: ReadonlyMap<string, string>;
}

function mentionsOf(instruction: Instruction, stage: Stage, reading: Reading): Found[] {
  if (instruction.keyword === 'COPY') {
    const raw = flagValue(instruction, 'from');
    const range = instruction.flags.find(({ name }) => name === 'from')?.range;
    return raw === undefined || range === undefined
      ? []
      : mention('copy', raw, range, instruction, stage, reading);
  }
  if (instruction.keyword !== 'RUN') return [];
  return instruction.flags.flatMap(({ name, value, range }) => {
    const raw = name === 'mount' ? /(?:^|,)from=([^,]*)/.exec(value ?? '') : null;
    if (raw === null || raw[1] === undefined) return [];
    const start = range.start + raw.index + raw[0].length - raw[1].length;
    return mention('mount', raw[1], { start, end: start + raw[1].length }, instruction, stage, reading);
  });
}

function mention(
  kind: ReferenceKind,
  raw: string,
  range: SourceRange,
  instruction: Instruction,
  stage: Stage,
  { dockerfile, stages, variables }: Reading,
): Found[] {
  const o = { variables, escape: dockerfile.escape };
  const expanded = expand(raw, o);
  const image = 'value' in expanded ? expanded.value : raw;
  // Only earlier stages can be meant; a later one of that name is an image to this line.
  const isStage = findStage(stages.slice(0, stage.index), image, { byIndex: true }) !== undefined;
  if (image === '' || isStage || image === 'scratch' || image.toLowerCase() === stage.name?.toLowerCase())
    return [];
  const place = placeToEdit(dockerfile, raw, range);
  return [
    {
      kind,
      image,
      raw,
      ...(place !== undefined && { range: place }),
      missing: missingVariables(raw, o),
      offset: instruction.range.start,
    },
  ];
}

/** A whole reference in one variable is changed where that has its default; one built from parts nowhere. */
function placeToEdit(
  { instructions, escape, text }: Dockerfile,
  raw: string,
  range: SourceRange,
): SourceRange | undefined {
  if (!raw.includes('$')) return text.slice(range.start, range.end) === raw ? range : undefined;
  const name = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})$/.exec(raw);
  const variable = name?.[1] ?? name?.[2];
  for (const { keyword, rest } of instructions) {
    if (keyword === 'FROM') break;
    if (keyword !== 'ARG' || variable === undefined) continue;
    const found = splitAssignments(rest.text, escape, { oldForm: false }).assignments.find(
      ({ name, value }) => name === variable && value !== undefined && !/[$'"\\`]/.test(value),
    );
    const first = rest.pieces[0];
    if (found !== undefined && first !== undefined && rest.pieces.length === 1)
      return { start: first.offset + found.start, end: first.offset + found.end };
  }
  return undefined;
}
