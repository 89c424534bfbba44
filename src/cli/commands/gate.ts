import { resolve } from 'node:path';
import { exitCodes } from '../../ground/fault/exit-codes.ts';
import { formatJson } from '../../ground/terminal/format-json.ts';
import { exitOfVerdict, gateImages, recordGate, replayGate } from '../../workflow/gate-image.ts';
import { defineCommand } from '../command.ts';
import { gateOptions, policyFlags } from '../evidence/policy-flags.ts';
import { renderJunit } from '../show/gate/junit.ts';
import { renderSummaryMarkdown } from '../show/gate/markdown.ts';
import { type ShownVerdict, toReport } from '../show/gate/report.ts';
import { renderSarif } from '../show/gate/sarif.ts';
import { renderVerdict } from '../show/gate/text.ts';
import { renderYaml } from '../show/gate/yaml.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg gate ghcr.io/shop/web:1.4 --policy policy.yaml', does: 'may this image be promoted?' },
    {
      run: 'cg validate image --images images.yaml --policy policy.yaml --output text --output junit=gate.xml --show-successes',
      does: 'every image of a components file, from the commit that stands there; as Enterprise Contract is called',
    },
    {
      run: 'cg gate ghcr.io/shop/web:1.4 --policy policy.yaml --record verdict.json',
      does: 'keep all that the verdict depends on',
    },
    { run: 'cg gate --replay verdict.json', does: 'give that verdict again, to the byte' },
  ],
  about:
    'A verdict depends on the evidence, the policy and the time, and on nothing else. A rule that is included and finds\n' +
    'nothing to examine fails; one that cg does not have is refused by name (exit code 2). Exit code 0: allow. 1: deny.\n' +
    '3 or 4: could not look, or what was found cannot be trusted; that is never an allow. cg explain says what to change.',
  args: [{ name: 'REF', brief: 'the image', required: false, many: true }],
  flags: {
    showSuccesses: { kind: 'toggle', brief: 'also show what passed' },
    showWarnings: { kind: 'toggle', brief: 'show no warnings', fallback: true },
    info: { kind: 'toggle', brief: 'say more about each result' },
    strict: {
      kind: 'toggle',
      brief: 'exit with 0 also when the verdict is deny',
      fallback: true,
      short: 's',
    },
    record: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'write all that the verdict depends on',
      complete: 'files',
    },
    replay: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'judge what was recorded, without looking anywhere',
      complete: 'files',
    },
    ...policyFlags,
  },
  formats: {
    json: (result: ShownVerdict, wishes) => formatJson(toReport(result, wishes)),
    yaml: (result, wishes) => renderYaml(toReport(result, wishes)),
    junit: result => renderJunit(result),
    'summary-markdown': result => renderSummaryMarkdown(result),
    sarif: result => renderSarif(result),
  },
  async run({ flags, args }, context) {
    const { record, replay } = flags;
    const gated =
      replay === undefined
        ? await gateImages({ ...(await gateOptions(flags, args, context)), keepInput: record !== undefined })
        : await replayGate(resolve(context.cwd, replay));
    if (record !== undefined && gated.input !== undefined)
      await recordGate(resolve(context.cwd, record), gated.input);
    const exit = exitOfVerdict(gated.verdict);
    const shown = { successes: flags.showSuccesses, warnings: flags.showWarnings, info: flags.info };
    return {
      result: { ...gated, shown },
      exit: exit === exitCodes.deny && !flags.strict ? exitCodes.done : exit,
    };
  },
  text: renderVerdict,
});
