import { resolve } from 'node:path';
import { defined } from '../../../model/defined.ts';
import { showAdvisories } from '../../../workflow/keep-advisories.ts';
import { defineCommand } from '../../command.ts';
import { renderAdvisories } from '../../show/advisories.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg db status', does: 'which advisories are here, and how far they reach' },
    { run: 'cg db status --output json | jq .ageHours', does: 'their age in hours' },
  ],
  flags: {
    db: {
      kind: 'text',
      placeholder: 'FOLDER',
      brief: 'where the index is kept',
      env: 'CG_DB',
      complete: 'files',
    },
  },
  async run({ flags }, { env, cwd, clock, signal }) {
    const database = flags.db === undefined ? undefined : resolve(cwd, flags.db);
    return { result: await showAdvisories({ env, cwd, clock, signal, ...defined({ database }) }) };
  },
  text: renderAdvisories,
});
