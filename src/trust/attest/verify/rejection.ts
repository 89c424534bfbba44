import type { EvidenceReason, EvidenceReasonCode } from '../../../model/evidence.ts';

/** Thrown inside the verifier only; the judge turns it into a reason. */
export class Rejection extends Error {
  override readonly name = 'Rejection';
  readonly reason: EvidenceReason;

  constructor(
    code: EvidenceReasonCode,
    message: string,
    compared: { readonly wanted?: string; readonly got?: string } = {},
  ) {
    super(message);
    this.reason = { code, message, ...compared };
  }
}

export function reject(
  code: EvidenceReasonCode,
  message: string,
  compared?: { readonly wanted?: string; readonly got?: string },
): never {
  throw new Rejection(code, message, compared);
}

/** Whatever was thrown over hostile bytes is a reason, and never a crash. */
export function reasonOf(error: unknown): EvidenceReason {
  if (error instanceof Rejection) return error.reason;
  const known = error instanceof Error && ['DerError', 'JsonError'].includes(error.name);
  return { code: 'malformed', message: known ? `malformed: ${error.message}` : 'malformed' };
}
