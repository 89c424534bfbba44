import { escapeLine } from '../../../ground/terminal/escape.ts';
import { sarifStage } from '../../../workflow/ci/rescan/sarif-stage.ts';
import { defineCommand } from '../../command.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';

export const command = defineCommand({
  examples: [{ run: 'cg ci sarif .cg/rescan', does: 'in a job of GitHub with security-events: write' }],
  about:
    'Each repository of images is a category of its own, so GitHub closes what a scan does not find any more. One of which\n' +
    'something could not be verified or scanned is named and not uploaded: half a scan would close what it did not see. Exit\n' +
    'code 2: not in a job of GitHub. 3: GitHub could not be reached, or refused.',
  args: [{ name: 'FOLDER', brief: 'what cg ci rescan left', required: true, complete: 'files' }],
  flags: { insecure: registryFlags.insecure, ca: registryFlags.ca },
  async run({ flags, args: [folder = ''] }, context) {
    const reach = await reachOptions({ ...flags, username: undefined, passwordStdin: false }, context);
    const result = await sarifStage({ ...reach, cwd: context.cwd, folder });
    return { result };
  },
  text: ({ uploaded, incomplete }) =>
    [
      ...uploaded.map(
        ({ repository, status }) =>
          `${status === 'complete' ? 'taken in' : 'uploaded'}  ${escapeLine(repository)}`,
      ),
      ...incomplete.map(image => `not uploaded, for want of a whole scan  ${escapeLine(image)}`),
    ].join('\n'),
});
