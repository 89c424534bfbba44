import { Fault } from '../../../../ground/fault/fault.ts';

/** What a repository says cannot be believed: nothing of it is kept. */
export function refuse(
  file: string,
  what: string,
  detail: { expected?: string; actual?: string } = {},
): Fault {
  return new Fault('TRUST_UPDATE_REFUSED', { what: `${file} is not to be trusted: ${what}.`, ...detail });
}
