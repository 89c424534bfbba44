import { Fault } from '../../../ground/fault/fault.ts';

/** What a file is not, in one sentence: it becomes a problem of the inventory beside the file's path. */
export function refuse(what: string, actual?: string): Fault {
  return new Fault('CONTENT_INVALID', {
    what,
    ...(actual !== undefined && { actual: actual.slice(0, 200) }),
  });
}
