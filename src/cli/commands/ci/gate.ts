import { resolve } from 'node:path';
import { exitCodes } from '../../../ground/fault/exit-codes.ts';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { defined } from '../../../model/defined.ts';
import { readReference } from '../../../workflow/ci/handover.ts';
import { gateStage } from '../../../workflow/ci/scan/gate-stage.ts';
import { defineCommand } from '../../command.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';
import { judgedScanFlags, stageReference } from '../../stage-flags.ts';
import { version } from '../../version.ts';

export const command = defineCommand({
  examples: [{ run: 'cg ci gate "$REF" --scan .cg/scan', does: 'before anything is signed' }],
  about:
    'The scan comes from a job that ran code of others. What Trivy and Grype reported in it is judged again, under "scan" and\n' +
    'the waivers of this checkout; the embedded engine is asked here, with the advisories of this job (cg db update), and\n' +
    'counts as not heard without them. What the scan concluded counts only against the image. Exit code 0: allow. 1: deny.\n' +
    '3 or 4: there is no verdict, and that is never an allow.',
  args: [stageReference],
  flags: {
    ...judgedScanFlags,
    ...registryFlags,
  },
  async run({ flags, args: [text = ''] }, context) {
    const result = await gateStage({
      ...(await reachOptions(flags, context)),
      cwd: context.cwd,
      clock: context.clock,
      ref: await readReference(text, context.cwd),
      scan: flags.scan,
      version,
      ...defined({ database: flags.db === undefined ? undefined : resolve(context.cwd, flags.db) }),
    });
    if (result.status === 'allow') return { result, exit: exitCodes.done };
    if (result.status === 'deny') return { result, exit: exitCodes.deny };
    return { result, exit: result.cause === 'trust' ? exitCodes.trust : exitCodes.remote };
  },
  text: ({ status, ref, reasons, claimed, next }) =>
    [
      `${status}  ${ref}`,
      ...reasons.map(({ rule, reason }) => escapeLine(`  ${rule}: ${reason}`)),
      ...(claimed === status ? [] : [`  the scan had said ${claimed}`]),
      ...(next === undefined ? [] : [`  next: ${next}`]),
    ].join('\n'),
});
