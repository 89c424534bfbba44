import { formatJson } from '../../../ground/terminal/format-json.ts';
import { readReference } from '../../../workflow/ci/handover.ts';
import { verifyStage } from '../../../workflow/ci/prove/verify-stage.ts';
import { exitOfVerdict } from '../../../workflow/gate-image.ts';
import { defineCommand } from '../../command.ts';
import { gateOptions, policyFlags } from '../../evidence/policy-flags.ts';
import { type ShownVerdict, toReport } from '../../show/gate/report.ts';
import { renderVerdict } from '../../show/gate/text.ts';
import { stageReference } from '../../stage-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg ci verify "$REF" --policy policy.yaml',
      does: 'by the file that whoever takes it uses as well',
    },
  ],
  about:
    'Without --policy policy.yaml counts, or promotion.yaml where there is one. In a job of GitHub or GitLab the provenance\n' +
    'must name the commit of the job. Exit code 0: allow. 1: deny. 3 or 4: could not look, or what was found cannot be\n' +
    'trusted.',
  args: [stageReference],
  flags: policyFlags,
  formats: { json: (result: ShownVerdict, wishes) => formatJson(toReport(result, wishes)) },
  async run({ flags, args: [text = ''] }, context) {
    const image = await readReference(text, context.cwd);
    const gated = await verifyStage({
      ...(await gateOptions(flags, [], context)),
      cwd: context.cwd,
      ref: image,
    });
    const shown = { successes: false, warnings: true, info: false };
    return { result: { ...gated, shown }, exit: exitOfVerdict(gated.verdict) };
  },
  text: renderVerdict,
});
