import { Fault } from '../../../ground/fault/fault.ts';
import { expand } from '../../dockerfile/expand.ts';
import type { Dockerfile, Instruction } from '../../dockerfile/instruction.ts';
import { positionOf } from '../../dockerfile/source-text.ts';
import { environmentOf, type ImageState } from './image-state.ts';
import type { Layer } from './pack-layer.ts';
import type { Tree } from './tree.ts';

/** A stage while its instructions are carried out. */
export interface StageState {
  readonly dockerfile: Dockerfile;
  readonly image: ImageState;
  readonly layers: Layer[];
  /** Declared ARGs with their values. */
  readonly args: Map<string, string>;
  /** Proxy settings: usable without being declared, never written down. */
  readonly silentArgs: ReadonlyMap<string, string>;
  /** What ARG takes over when it is declared: given on the command line, or known before the first FROM. */
  readonly declarable: {
    readonly given: Readonly<Record<string, string>>;
    readonly known: ReadonlyMap<string, string>;
  };
  tree: Tree;
  /** CMD of this stage; one that was inherited does not survive a new ENTRYPOINT. */
  hasOwnCommand: boolean;
}

/** The variables of this moment; one of the environment hides an argument. */
export function variablesOf({ silentArgs, args, image }: StageState): ReadonlyMap<string, string> {
  return new Map([...silentArgs, ...args, ...environmentOf(image.config)]);
}

/** The value of a word with the variables of this moment. */
export function expandWord(text: string, state: StageState, instruction: Instruction): string {
  const expanded = expand(text, { variables: variablesOf(state), escape: state.dockerfile.escape });
  if ('value' in expanded) return expanded.value;
  throw instructionFault(state, instruction, `${instruction.keyword} ${expanded.problem}`);
}

export function instructionFault(
  state: Pick<StageState, 'dockerfile'>,
  instruction: Instruction,
  what: string,
  more: {
    readonly expected?: string;
    readonly actual?: string;
    readonly next?: string;
    readonly cause?: unknown;
  } = {},
): Fault {
  return new Fault('BUILD_FAILED', {
    what,
    where: placeOf(state.dockerfile, instruction.range.start),
    ...more,
  });
}

/** `Dockerfile:12:1` */
export function placeOf({ path, text }: Dockerfile, offset: number): string {
  const { line, column } = positionOf(text, offset);
  return `${path}:${line}:${column}`;
}

/** Says of any fault inside an instruction which line it was. */
export function locate(error: unknown, state: StageState, instruction: Instruction): unknown {
  if (!(error instanceof Fault) || error.code !== 'BUILD_FAILED') return error;
  if (error.where?.startsWith(`${state.dockerfile.path}:`) === true) return error;
  return instructionFault(state, instruction, `${instruction.keyword}: ${error.message}`, {
    ...(error.expected !== undefined && { expected: error.expected }),
    ...(error.actual !== undefined && { actual: error.actual }),
    ...(error.next !== undefined && { next: error.next }),
    cause: error,
  });
}
