import type { World } from '../../src/cli/context.ts';
import { run } from '../../src/cli/run.ts';
import { type Clock, frozenClock } from '../../src/model/clock.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Pretence {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly terminal?: boolean;
  readonly columns?: number;
  /** A frozen one, unless the other side of a conversation has a real one. */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** Runs the command line in this process, in a pretended world with nothing in its environment. */
export async function runCli(words: readonly string[], pretence: Pretence = {}): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    isTTY: pretence.terminal === true,
    columns: pretence.columns ?? 80,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const world: World = {
    env: { HOME: '/nonexistent', ...pretence.env },
    cwd: pretence.cwd ?? '/nonexistent',
    clock: pretence.clock ?? frozenClock('2026-01-02T03:04:05Z'),
    signal: pretence.signal ?? new AbortController().signal,
    stdin: Object.assign(
      (async function* () {
        yield Buffer.from(pretence.stdin ?? '');
      })(),
      { isTTY: pretence.terminal === true },
    ),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
  };
  const code = await run(words, world);
  return { code, ...written };
}
