import { type FaultCode, type FaultKind, faultCodes } from './codes.ts';

/** The four sentences that every error has. */
export interface FaultDetails {
  /** What happened. */
  readonly what: string;
  /** Where: a file with line and column, an image with its digest, a URL without credentials. */
  readonly where?: string;
  readonly expected?: string;
  readonly actual?: string;
  /** The exact next command, or the line to change. */
  readonly next?: string;
  readonly cause?: unknown;
}

/** An error that we understand. Anything else that is thrown is a bug of ours and leaves with 70. */
export class Fault extends Error {
  override readonly name: string = 'Fault';
  readonly code: FaultCode;
  readonly kind: FaultKind;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly actual: string | undefined;
  readonly next: string | undefined;

  constructor(code: FaultCode, details: FaultDetails) {
    super(details.what, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.kind = faultCodes[code].kind;
    this.where = details.where;
    this.expected = details.expected;
    this.actual = details.actual;
    this.next = details.next ?? faultCodes[code].next;
  }
}

/** Several problems of one input, all said at once. */
export class FaultList extends Fault {
  override readonly name = 'FaultList';
  readonly faults: readonly Fault[];

  constructor(code: FaultCode, details: FaultDetails, faults: readonly Fault[]) {
    super(code, details);
    this.faults = faults;
  }
}

export function hasCode(error: unknown, ...codes: FaultCode[]): error is Fault {
  return error instanceof Fault && codes.includes(error.code);
}
