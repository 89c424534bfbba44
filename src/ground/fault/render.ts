import { escapeForTerminal } from '../terminal/escape.ts';
import type { Style } from '../terminal/style.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { Fault, FaultList } from './fault.ts';
import { redact } from './redact.ts';

/** An error as data, for --output json. */
export interface FaultRecord {
  readonly code: string;
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly actual?: string;
  readonly next?: string;
  readonly problems?: readonly FaultRecord[];
}

/** Whatever was thrown, as a fault: the unforeseen becomes a BUG. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (isAbort(error)) return new Fault('INTERRUPTED', { what: 'the command was interrupted', cause: error });
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Fault('BUG', { what, cause: error });
}

export function exitCodeOf(fault: Fault): ExitCode {
  return exitCodes[fault.kind];
}

export function recordFault(fault: Fault): FaultRecord {
  return {
    code: fault.code,
    what: clean(fault.message),
    ...(fault.where !== undefined && { where: clean(fault.where) }),
    ...(fault.expected !== undefined && { expected: clean(fault.expected) }),
    ...(fault.actual !== undefined && { actual: clean(fault.actual) }),
    ...(fault.next !== undefined && { next: clean(fault.next) }),
    ...(fault instanceof FaultList && { problems: fault.faults.map(recordFault) }),
  };
}

/** The four sentences, for people. */
export function renderFault(fault: Fault, style: Style): string {
  const record = recordFault(fault);
  const heading = fault.kind === 'bug' ? 'bug' : 'error';
  const lines = [`${style.red(style.bold(`${heading} ${record.code}`))}  ${record.what}`];
  for (const problem of record.problems ?? []) lines.push(...renderProblem(problem));
  for (const part of ['where', 'expected', 'actual', 'next'] as const) {
    const text = record[part];
    if (text !== undefined) lines.push(`  ${style.dim(part.padEnd(8))}  ${indentAfterFirst(text, 12)}`);
  }
  lines.push(`  ${style.dim('more')}      cg help ${record.code}`);
  return lines.join('\n');
}

function renderProblem(problem: FaultRecord): string[] {
  const place = problem.where === undefined ? '' : `${problem.where}: `;
  const wanted = problem.expected === undefined ? '' : ` (expected ${problem.expected})`;
  return [`  ${place}${problem.what}${wanted}`];
}

/** The stack of a bug and the chain of causes of anything, for --verbose. */
export function renderCauses(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 8) return '';
  const stack =
    error instanceof Fault && error.kind !== 'bug'
      ? `${error.name}: ${error.message}`
      : (error.stack ?? error.message);
  const own = clean(stack);
  const below = renderCauses(error.cause, depth + 1);
  return below === '' ? own : `${own}\ncaused by ${below}`;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function clean(text: string): string {
  return escapeForTerminal(redact(text));
}

function indentAfterFirst(text: string, columns: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(columns)}`);
}
