import { resolve } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { stage } from '../../../ground/progress/progress.ts';
import { defined } from '../../../model/defined.ts';
import { importAdvisories } from '../../../workflow/keep-advisories.ts';
import { defineCommand } from '../../command.ts';
import { renderAdvisories } from '../../show/advisories.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg db import ./osv', does: 'a folder of OSV records, or of the zips that osv.dev publishes' },
    { run: 'cg db import ~/.cache/trivy/db', does: 'the database of a Trivy on this machine, read in place' },
    {
      run: 'cg db import ./osv known_exploited_vulnerabilities.json --as-of 2026-11-20',
      does: 'with what is known to be exploited; the data reach to that day',
    },
  ],
  about:
    'What is imported replaces what was there, whole or not at all. How old advisories are is judged by the newest record in\n' +
    'them, never by when they were copied; --as-of says it for data in which little changes.',
  args: [
    {
      name: 'SOURCE',
      brief: 'a folder or zip of OSV records, a Trivy database, or a list of exploited vulnerabilities',
      required: true,
      many: true,
      complete: 'files',
    },
  ],
  flags: {
    asOf: {
      kind: 'text',
      placeholder: 'TIME',
      brief: 'how far the data reach, when they do not say it: 2026-11-20',
    },
    db: {
      kind: 'text',
      placeholder: 'FOLDER',
      brief: 'where the index is kept',
      env: 'CG_DB',
      complete: 'files',
    },
  },
  async run({ flags, args: sources }, context) {
    const asOf = flags.asOf === undefined ? undefined : readTime(flags.asOf);
    const result = await stage(context.progress, `import ${sources.join(', ')}`, () =>
      importAdvisories({
        env: context.env,
        cwd: context.cwd,
        clock: context.clock,
        signal: context.signal,
        sources,
        ...defined({ asOf, database: flags.db === undefined ? undefined : resolve(context.cwd, flags.db) }),
      }),
    );
    for (const text of result.problems) context.progress({ type: 'note', level: 'warning', text });
    return { result };
  },
  text: renderAdvisories,
});

function readTime(text: string): Date {
  const time = new Date(text);
  if (/^\d{4}-\d\d-\d\d(?:T.*Z)?$/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new Fault('USAGE', {
    what: '--as-of is no time',
    expected: '2026-11-20 or 2026-11-20T06:00:00Z',
    actual: text.slice(0, 100),
    next: 'cg db import --help',
  });
}
