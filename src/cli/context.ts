import type { Progress } from '../ground/progress/progress.ts';
import type { Style } from '../ground/terminal/style.ts';
import type { Clock } from '../model/clock.ts';

/** The world as a command sees it. Tests hand in another one. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Fires when the user interrupts; long work passes it on. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly offline: boolean;
  readonly verbose: boolean;
  /** True when a person can be asked something. */
  readonly interactive: boolean;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Asks the person at the terminal; only when interactive. */
  readonly ask?: Ask;
  /** Hints and other words beside the result. */
  readonly say: (text: string) => void;
  /** What a program of the user prints, as it comes: to standard error and unchanged. */
  readonly passOn: (text: string) => void;
  /** For results that come line by line while the command runs. */
  readonly write: (text: string) => void;
  readonly errStyle: Style;
}

export type Ask = (question: string, o: { readonly hidden: boolean }) => Promise<string>;

/** The streams and facts of a process, real or pretended. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };
  readonly ask?: Ask;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

export interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Lines are fitted to a terminal only; a pipe gets them whole. */
export function widthOf(sink: Sink): number | undefined {
  return sink.isTTY === true ? sink.columns : undefined;
}
