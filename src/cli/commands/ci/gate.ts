import { exitCodes } from '../../../ground/fault/exit-codes.ts';
import { gateStage } from '../../../workflow/ci/gate-stage.ts';
import { readReference } from '../../../workflow/ci/handover.ts';
import { defineCommand } from '../../command.ts';

export const command = defineCommand({
  examples: [{ run: 'cg ci gate "$REF" --scan .cg/scan', does: 'before anything is signed' }],
  about: 'Exit code 0: allow. 1: deny. 3 or 4: the scan had no verdict, and that is never an allow.',
  args: [
    { name: 'REF', brief: 'the image by its digest, or @FILE.json of the stage before', required: true },
  ],
  flags: {
    scan: {
      kind: 'text',
      placeholder: 'FOLDER',
      brief: 'what cg ci scan left',
      required: true,
      complete: 'files',
    },
  },
  async run({ flags, args: [text = ''] }, { cwd }) {
    const result = await gateStage({ cwd, ref: await readReference(text, cwd), scan: flags.scan });
    if (result.status === 'allow') return { result, exit: exitCodes.done };
    if (result.status === 'deny') return { result, exit: exitCodes.deny };
    return { result, exit: result.cause === 'trust' ? exitCodes.trust : exitCodes.remote };
  },
  text: ({ status, ref }) => `${status}  ${ref}`,
});
