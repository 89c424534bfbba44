import { join } from 'node:path';
import { importAdvisories } from '../../../keep-advisories.ts';
import type { Teller } from '../teller.ts';
import type { Workshop } from '../workshop.ts';
import { advisoriesOf } from './release-services.ts';

/** Reads records in OSV's format into the index that the embedded engine asks. */
export async function learnAdvisories(
  workshop: Workshop,
  teller: Teller,
  days: readonly string[],
): Promise<void> {
  const { example, env, clock, signal } = workshop;
  const status = await importAdvisories({
    env,
    cwd: example,
    clock,
    signal,
    database: advisoriesOf(workshop),
    sources: days.map(day => join(example, 'advisories', day)),
    asOf: clock.now(),
  });
  teller.line(`${status.advisories ?? 0} advisories, index ${status.digest ?? ''}`);
  teller.claim('every record was understood', status.problems.length === 0, status.problems.join('; '));
}
