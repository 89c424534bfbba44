import { expand, missingVariables, type Variables } from './expand.ts';
import { type Dockerfile, type DockerfileProblem, flagValue, type Instruction } from './instruction.ts';
import { rangeOf, type SourceRange } from './source-text.ts';
import { splitAssignments, splitWords } from './words.ts';

export interface Stage {
  readonly index: number;
  /** As written; names are compared without case. */
  readonly name?: string;
  /** What FROM names, with its variables replaced. */
  readonly from: string;
  /** As written. */
  readonly rawFrom: string;
  /** Where that stands in the file. */
  readonly fromRange: SourceRange;
  /** The earlier stage that it is, if it is one. */
  readonly parent?: number;
  readonly platform?: string;
  /** Variables that had no value when FROM was read. */
  readonly missing: readonly string[];
  readonly head: Instruction;
  /** What follows its FROM. */
  readonly instructions: readonly Instruction[];
}

export interface StageOptions {
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** TARGETPLATFORM and its kin, which FROM may use without declaring them. */
  readonly platformArgs?: Readonly<Record<string, string>>;
}

export interface Stages {
  readonly stages: readonly Stage[];
  /** The values of the ARGs before the first FROM, which a stage can take over. */
  readonly globals: Variables;
  readonly problems: readonly DockerfileProblem[];
}

export function readStages(dockerfile: Dockerfile, o: StageOptions = {}): Stages {
  const { instructions, escape } = dockerfile;
  const problems: DockerfileProblem[] = [];
  const firstFrom = instructions.findIndex(({ keyword }) => keyword === 'FROM');
  const before = firstFrom < 0 ? [] : instructions.slice(0, firstFrom);
  const globals = readGlobals(before, escape, o, problems);
  const variables = new Map([...Object.entries(o.platformArgs ?? {}), ...globals]);
  const stages: Stage[] = [];
  instructions.forEach((head, at) => {
    if (head.keyword !== 'FROM') return;
    const rest = instructions.slice(at + 1);
    const end = rest.findIndex(({ keyword }) => keyword === 'FROM');
    const body = end < 0 ? rest : rest.slice(0, end);
    const stage = readStage(head, body, stages, { variables, escape }, problems);
    if (stage !== undefined) stages.push(stage);
  });
  return { stages, globals, problems };
}

function readGlobals(
  instructions: readonly Instruction[],
  escape: string,
  { buildArgs = {}, platformArgs = {} }: StageOptions,
  problems: DockerfileProblem[],
): Map<string, string> {
  const globals = new Map<string, string>();
  for (const { keyword, rest, range } of instructions) {
    if (keyword !== 'ARG') continue;
    const { assignments, problem } = splitAssignments(rest.text, escape, { oldForm: false });
    if (problem !== undefined) problems.push({ offset: range.start, message: problem });
    for (const { name, value } of assignments) {
      const given = buildArgs[name];
      if (given !== undefined) globals.set(name, given);
      else if (value !== undefined) {
        const variables = new Map([...Object.entries(platformArgs), ...globals]);
        const expanded = expand(value, { variables, escape });
        if ('value' in expanded) globals.set(name, expanded.value);
        else problems.push({ offset: range.start, message: `ARG ${name} ${expanded.problem}` });
      }
    }
  }
  return globals;
}

function readStage(
  head: Instruction,
  instructions: readonly Instruction[],
  earlier: readonly Stage[],
  o: { readonly variables: Variables; readonly escape: string },
  problems: DockerfileProblem[],
): Stage | undefined {
  const words = splitWords(head.rest.text, o.escape);
  const [image, as, name, ...more] = words;
  const fault = (message: string): undefined => void problems.push({ offset: head.range.start, message });
  if (image === undefined) return undefined;
  if (more.length > 0 || (as !== undefined && (as.text.toUpperCase() !== 'AS' || name === undefined)))
    return fault('FROM is written FROM [--platform=OS/ARCH] IMAGE [AS NAME]');
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/i.test(name.text))
    return fault(
      `"${name.text.slice(0, 100)}" is no name for a stage: letters, digits, - _ . after a letter`,
    );
  const from = expand(image.text, o);
  if ('problem' in from) return fault(`FROM ${from.problem}`);
  const rawPlatform = flagValue(head, 'platform');
  const platform = rawPlatform === undefined ? undefined : expand(rawPlatform, o);
  if (platform !== undefined && 'problem' in platform) return fault(`--platform ${platform.problem}`);
  const parent = findStage(earlier, from.value, { byIndex: false });
  return {
    index: earlier.length,
    ...(name !== undefined && { name: name.text }),
    from: from.value,
    rawFrom: image.text,
    fromRange: rangeOf(head.rest, image.start, image.end),
    ...(parent !== undefined && { parent: parent.index }),
    ...(platform !== undefined && platform.value !== '' && { platform: platform.value }),
    missing: missingVariables(image.text, o),
    head,
    instructions,
  };
}

/** The stage behind a name, the latest of that name; `COPY --from` also takes its number. */
export function findStage(
  stages: readonly Stage[],
  text: string,
  o: { readonly byIndex: boolean },
): Stage | undefined {
  const wanted = text.toLowerCase();
  const named = stages.findLast(({ name }) => name?.toLowerCase() === wanted);
  if (named !== undefined || !o.byIndex || !/^\d{1,6}$/.test(text)) return named;
  return stages[Number(text)];
}

/** The last stage, or the one that is asked for by name or number. */
export function targetStage(stages: readonly Stage[], target: string | undefined): Stage | undefined {
  return target === undefined ? stages.at(-1) : findStage(stages, target, { byIndex: true });
}

/** The stages that the target stands on, through FROM and COPY --from, in the order of the file. */
export function neededStages(stages: readonly Stage[], target: Stage): readonly Stage[] {
  const needed = new Set<number>();
  const waiting: Stage[] = [target];
  for (let stage = waiting.pop(); stage !== undefined; stage = waiting.pop()) {
    if (needed.has(stage.index)) continue;
    needed.add(stage.index);
    const parent = stage.parent === undefined ? undefined : stages[stage.parent];
    if (parent !== undefined) waiting.push(parent);
    for (const instruction of stage.instructions) {
      const from = flagValue(instruction, 'from');
      const source =
        from === undefined ? undefined : findStage(stages.slice(0, stage.index), from, { byIndex: true });
      if (source !== undefined) waiting.push(source);
    }
  }
  return stages.filter(({ index }) => needed.has(index));
}
