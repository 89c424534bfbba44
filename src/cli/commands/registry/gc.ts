import { resolve } from 'node:path';
import { defined } from '../../../model/defined.ts';
import { collectRegistryGarbage } from '../../../workflow/collect-registry-garbage.ts';
import { defineCommand } from '../../command.ts';
import { describeCollected } from '../../show/collected.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg registry gc', does: 'remove what no image uses any more' },
    {
      run: 'cg registry gc --data ./images --untagged --grace 0',
      does: 'also images without a tag, at once',
    },
  ],
  about: 'For a folder that nobody serves. A running registry collects with --gc-interval, or at SIGUSR2.',
  flags: {
    data: {
      kind: 'text',
      placeholder: 'DIR',
      brief: 'the data folder of the registry',
      env: 'CG_REGISTRY_DATA',
      complete: 'files',
    },
    untagged: { kind: 'toggle', brief: 'also remove manifests that no tag, index or referrer leads to' },
    grace: { kind: 'duration', placeholder: 'TIME', brief: 'keep what is younger', fallback: 24 * 3_600_000 },
  },
  async run({ flags }, { cwd, clock, signal }) {
    const data = flags.data === undefined ? undefined : resolve(cwd, flags.data);
    return {
      result: await collectRegistryGarbage({
        ...defined({ data }),
        untagged: flags.untagged,
        grace: flags.grace,
        clock,
        signal,
      }),
    };
  },
  text: describeCollected,
});
