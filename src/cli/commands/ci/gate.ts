import { exitCodes } from '../../../ground/fault/exit-codes.ts';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { readReference } from '../../../workflow/ci/handover.ts';
import { gateStage } from '../../../workflow/ci/scan/gate-stage.ts';
import { defineCommand } from '../../command.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';

export const command = defineCommand({
  examples: [{ run: 'cg ci gate "$REF" --scan .cg/scan', does: 'before anything is signed' }],
  about:
    'What the engines said is judged again, under "scan" and the waivers of this checkout: the scan comes from a job that\n' +
    'ran code of others, and what it concluded counts only against the image. Exit code 0: allow. 1: deny. 3 or 4: there is\n' +
    'no verdict, and that is never an allow.',
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
    ...registryFlags,
  },
  async run({ flags, args: [text = ''] }, context) {
    const result = await gateStage({
      ...(await reachOptions(flags, context)),
      cwd: context.cwd,
      clock: context.clock,
      ref: await readReference(text, context.cwd),
      scan: flags.scan,
    });
    if (result.status === 'allow') return { result, exit: exitCodes.done };
    if (result.status === 'deny') return { result, exit: exitCodes.deny };
    return { result, exit: result.cause === 'trust' ? exitCodes.trust : exitCodes.remote };
  },
  text: ({ status, ref, reasons, claimed }) =>
    [
      `${status}  ${ref}`,
      ...reasons.map(({ rule, reason }) => escapeLine(`  ${rule}: ${reason}`)),
      ...(claimed === status ? [] : [`  the scan had said ${claimed}`]),
    ].join('\n'),
});
