import { type CheckEntry, type CheckImagesOptions, checkImages } from './check-images.ts';

export interface GeneratedState {
  readonly written: readonly string[];
  readonly entries: readonly CheckEntry[];
  readonly exit: 0 | 1 | 2 | 3;
}

/** Writes what Dockerfiles and registries say into the state; decides nothing and edits nothing. */
export async function generateState(
  o: Omit<CheckImagesOptions, 'pin' | 'promote'> & {
    /** Only say whether something would be written. */
    readonly check?: boolean;
  },
): Promise<GeneratedState> {
  const checked = await checkImages({ ...o, promote: false, ...(o.check === true && { dryRun: true }) });
  const failed = checked.entries.some(({ status }) => status === 'error') && o.allowUnreachable !== true;
  const differs = o.check === true && checked.written.length > 0;
  return { written: checked.written, entries: checked.entries, exit: failed ? 3 : differs ? 1 : 0 };
}
