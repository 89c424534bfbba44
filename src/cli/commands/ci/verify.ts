import { Fault } from '../../../ground/fault/fault.ts';
import { formatJson } from '../../../ground/terminal/format-json.ts';
import { digestOf, readReference } from '../../../workflow/ci/handover.ts';
import { exitOfVerdict, gateImages } from '../../../workflow/gate-image.ts';
import { defineCommand } from '../../command.ts';
import { gateOptions, policyFlags } from '../../evidence/policy-flags.ts';
import { type ShownVerdict, toReport } from '../../show/gate/report.ts';
import { renderVerdict } from '../../show/gate/text.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg ci verify "$REF" --policy policy.yaml',
      does: 'by the file that whoever takes it uses as well',
    },
  ],
  about: 'Exit code 0: allow. 1: deny. 3 or 4: could not look, or what was found cannot be trusted.',
  args: [
    { name: 'REF', brief: 'the image by its digest, or @FILE.json of the stage before', required: true },
  ],
  flags: policyFlags,
  formats: { json: (result: ShownVerdict, wishes) => formatJson(toReport(result, wishes)) },
  async run({ flags, args: [text = ''] }, context) {
    if (flags.policy === undefined && flags.promotion === undefined)
      throw new Fault('USAGE', { what: 'nothing says what is demanded', expected: '--policy policy.yaml' });
    const image = await readReference(text, context.cwd);
    digestOf(image);
    const gated = await gateImages(await gateOptions(flags, [image], context));
    const shown = { successes: false, warnings: true, info: false };
    return { result: { ...gated, shown }, exit: exitOfVerdict(gated.verdict) };
  },
  text: renderVerdict,
});
