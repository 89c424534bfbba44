import { resolve } from 'node:path';
import { stage } from '../../../ground/progress/progress.ts';
import { defined } from '../../../model/defined.ts';
import { updateAdvisories } from '../../../workflow/update-advisories.ts';
import { defineCommand } from '../../command.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';
import { renderAdvisories } from '../../show/advisories.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg db update', does: "fetch Trivy's database from its mirrors and index it" },
    {
      run: 'cg db update --from registry.example.com/mirror/trivy-db:2',
      does: 'from a mirror of your own; several are tried in their order',
    },
    {
      run: 'cg db update --from https://storage.googleapis.com/osv-vulnerabilities/Debian/all.zip',
      does: 'OSV records; several zips make one index',
    },
  ],
  about:
    'Nothing is replaced before everything is fetched, checked and read: when it fails, the data that were there stay, and\n' +
    'their age counts. Data of which nothing changed are not written again.',
  flags: {
    from: {
      kind: 'text',
      placeholder: 'SOURCE',
      brief: 'an image with a Trivy database, or https address of a zip of OSV records',
      many: true,
    },
    db: {
      kind: 'text',
      placeholder: 'FOLDER',
      brief: 'where the index is kept',
      env: 'CG_DB',
      complete: 'files',
    },
    ...registryFlags,
  },
  async run({ flags }, context) {
    const reach = await reachOptions(flags, context);
    const result = await stage(context.progress, 'update advisories', () =>
      updateAdvisories({
        ...reach,
        cwd: context.cwd,
        clock: context.clock,
        from: flags.from,
        onNote: text => context.progress({ type: 'note', level: 'warning', text }),
        ...defined({ database: flags.db === undefined ? undefined : resolve(context.cwd, flags.db) }),
      }),
    );
    return { result };
  },
  text: renderAdvisories,
});
