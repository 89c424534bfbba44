import type { ExitCode } from '../ground/fault/exit-codes.ts';
import type { Style } from '../ground/terminal/style.ts';
import type { Context } from './context.ts';
import type { OutputWishes } from './output-spec.ts';

/** What a flag looks like; its key in `flags` is its name, `tlsCert` is written `--tls-cert`. */
export type Flag = ToggleFlag | TextFlag | NumberFlag;

interface FlagCommon {
  readonly brief: string;
  readonly short?: string;
  /** Heading in the help; flags of one group stand together. */
  readonly group?: string;
  /** Environment variable that gives the value when the flag does not. */
  readonly env?: string;
}

export interface ToggleFlag extends FlagCommon {
  readonly kind: 'toggle';
  /** True for what is on unless `--no-…` turns it off; the help shows that spelling, so the brief says what it does. */
  readonly fallback?: boolean;
  /** Neither on nor off when nobody says anything. */
  readonly optional?: boolean;
}

export interface TextFlag extends FlagCommon {
  readonly kind: 'text';
  readonly placeholder: string;
  readonly many?: boolean;
  readonly required?: boolean;
  readonly choices?: readonly string[];
  readonly fallback?: string;
  readonly complete?: Completer;
}

/** A whole number, a duration in milliseconds (`6h`), or a size in bytes (`2GiB`). */
export interface NumberFlag extends FlagCommon {
  readonly kind: 'count' | 'duration' | 'bytes';
  readonly placeholder: string;
  readonly min?: number;
  readonly max?: number;
  readonly fallback?: number;
}

export interface Argument {
  readonly name: string;
  readonly brief: string;
  readonly required: boolean;
  /** Takes all that is left. */
  readonly many?: boolean;
  readonly choices?: readonly string[];
  readonly complete?: Completer;
}

/** Proposes values for the shell: the word `files` for path names, or a function that looks them up. */
export type Completer =
  | 'files'
  | ((context: Context, prefix: string) => Promise<readonly string[]> | readonly string[]);

export interface Example {
  readonly run: string;
  readonly does: string;
}

export type Flags = Readonly<Record<string, Flag>>;

type FlagValue<F extends Flag> = F extends ToggleFlag
  ? F extends { optional: true }
    ? boolean | undefined
    : boolean
  : F extends NumberFlag
    ? F extends { fallback: number }
      ? number
      : number | undefined
    : F extends TextFlag
      ? F extends { many: true }
        ? readonly ChoiceOf<F>[]
        : F extends { required: true } | { fallback: string }
          ? ChoiceOf<F>
          : ChoiceOf<F> | undefined
      : never;

type ChoiceOf<F extends TextFlag> = F extends { choices: readonly (infer C extends string)[] } ? C : string;

export type FlagValues<F extends Flags> = { readonly [K in keyof F]: FlagValue<F[K]> };

export interface Input<F extends Flags = Flags> {
  readonly flags: FlagValues<F>;
  readonly args: readonly string[];
}

/** What a command found out. Text for people is made from the same result as the JSON. */
export interface Answer<R> {
  readonly result: R;
  readonly exit?: ExitCode;
}

export interface Command<F extends Flags = Flags, R = unknown> {
  readonly examples: readonly [Example, ...Example[]];
  /** More than the one line of the table, when there is more to say. */
  readonly about?: string;
  readonly args?: readonly Argument[];
  readonly flags: F;
  /** Formats beside text and json, each a pure function of the result. */
  readonly formats?: Readonly<Record<string, (result: R, wishes: OutputWishes) => string>>;
  run(input: Input<F>, context: Context): Promise<Answer<R>>;
  /** The result for people; an empty text prints nothing. */
  text(result: R, style: Style, wishes?: OutputWishes): string;
}

/** A command whose types the code around it need not know. */
export type AnyCommand = Command;

/** Gives the types of flags and result to the functions of the command that is declared. */
export function defineCommand<const F extends Flags, R>(command: Command<F, R>): AnyCommand {
  return command as unknown as AnyCommand;
}
