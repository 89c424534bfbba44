import { type ChildProcess, spawn } from 'node:child_process';
import { Fault } from '../fault/fault.ts';
import { killTree } from './kill-tree.ts';

export interface Command {
  /** A program on PATH or its path; never a shell line. */
  readonly program: string;
  readonly args?: readonly string[];
  /** The whole environment of the child: nothing is inherited that is not here. See pickEnvironment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly timeLimit: number;
  /** Bytes of standard output and, apart, of standard error that are kept; more is an error for the first. */
  readonly outputLimit?: number;
  /** Takes standard output as it comes; then none of it is kept. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
  readonly signal?: AbortSignal;
  /** Run it as somebody else, which only root can. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface Finished {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const defaultOutputLimit = 64 * 1024 * 1024;
const stderrLimit = 1024 * 1024;

/** Runs a program to its end, whatever its exit code. Limits end it together with everything that it started. */
export async function run(command: Command): Promise<Finished> {
  command.signal?.throwIfAborted();
  const child = spawn(command.program, command.args ?? [], {
    env: definedOnly(command.env),
    stdio: 'pipe',
    // Its own process group, so that the whole tree can be ended.
    detached: process.platform !== 'win32',
    windowsHide: true,
    ...(command.cwd !== undefined && { cwd: command.cwd }),
    ...command.user,
  });
  let failure: unknown;
  const end = (reason: unknown): void => {
    failure ??= reason;
    killTree(child);
  };
  const timer = setTimeout(
    () => end(fail(command, `did not finish within ${command.timeLimit / 1000} s`)),
    command.timeLimit,
  );
  const abort = (): void => end(command.signal?.reason);
  command.signal?.addEventListener('abort', abort, { once: true });
  try {
    const [stdout, stderr] = [collectOutput(child, command, end), collectErrors(child, command)];
    feed(child, command.input);
    const code = await ended(child, command);
    if (failure !== undefined) throw failure;
    return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  } finally {
    clearTimeout(timer);
    command.signal?.removeEventListener('abort', abort);
  }
}

function ended(child: ChildProcess, command: Command): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.once('error', error => {
      const isMissing = 'code' in error && error.code === 'ENOENT';
      reject(fail(command, isMissing ? 'is not installed' : 'could not be started', error));
    });
    child.once('close', code => resolve(code ?? undefined));
  });
}

function collectOutput(child: ChildProcess, command: Command, end: (reason: unknown) => void): Buffer[] {
  const limit = command.outputLimit ?? defaultOutputLimit;
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    if (command.onStdout !== undefined) {
      command.onStdout(chunk);
      return;
    }
    size += chunk.length;
    if (size > limit) end(fail(command, `wrote more than ${limit} bytes`));
    else chunks.push(chunk);
  });
  return chunks;
}

function collectErrors(child: ChildProcess, command: Command): Buffer[] {
  const chunks: Buffer[] = [];
  let size = 0;
  child.stderr?.on('data', (chunk: Buffer) => {
    command.onStderr?.(chunk);
    size += chunk.length;
    if (size <= stderrLimit) chunks.push(chunk);
  });
  return chunks;
}

function feed(child: ChildProcess, input: string | Uint8Array | undefined): void {
  // A program may end without reading its input; that is its right.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
}

function definedOnly(env: Command['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function fail(command: Command, reason: string, cause?: unknown): Fault {
  return new Fault('TOOL_FAILED', {
    what: `${command.program} ${reason}`,
    where: command.program,
    ...(cause !== undefined && { cause }),
  });
}
