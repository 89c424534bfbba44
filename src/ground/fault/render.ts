import { escapeForTerminal, escapeLine } from '../terminal/escape.ts';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
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
  const parts = (['where', 'expected', 'actual', 'next'] as const).flatMap(part => {
    const text = record[part];
    return text === undefined ? [] : [[style.dim(part.padEnd(8)), text]];
  });
  return [
    formatTable([[`${style.red(style.bold(`${heading} ${record.code}`))}`, record.what]], '', style.columns),
    ...(record.problems ?? []).flatMap(renderProblem),
    formatTable([...parts, [style.dim('more'.padEnd(8)), `cg help ${record.code}`]], '  ', style.columns),
  ].join('\n');
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
  const own = escapeForTerminal(redact(stack));
  const below = renderCauses(error.cause, depth + 1);
  return below === '' ? own : `${own}\ncaused by ${below}`;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function clean(text: string): string {
  return escapeLine(redact(text));
}
