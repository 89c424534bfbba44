import { resolve } from 'node:path';
import { asFault } from '../../ground/fault/render.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { defined } from '../../model/defined.ts';
import { type Presynced, presync, writeTerminationMessage } from '../../workflow/presync.ts';
import { defineCommand } from '../command.ts';
import { gateOptions, policyFlags } from '../evidence/policy-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg presync --env prod',
      does: 'in a PreSync Job: judge the images that GATE_IMAGE_0 … name, by the policy of prod',
    },
    {
      run: 'cg presync ghcr.io/shop/web@sha256:… --policy policy.yaml',
      does: 'the same for one image, on a laptop',
    },
  ],
  about:
    'All images are judged before it ends. Exit code 0: allow. 1: deny. 2: misconfigured. 4: cannot be trusted; these are final.\n' +
    '3: a registry could not be asked, which a Job may try again. An image without a digest is denied. A hook of Argo CD is an\n' +
    'early and readable stop, and no security boundary: that is admission.',
  args: [{ name: 'IMAGE', brief: 'beside those of the environment variables', required: false, many: true }],
  flags: {
    env: { kind: 'text', placeholder: 'NAME', brief: 'one of gitops.environments, whose policy is asked' },
    terminationLog: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'where the last words go, when it is there',
      fallback: '/dev/termination-log',
      complete: 'files',
    },
    ...policyFlags,
  },
  async run({ flags, args }, context) {
    const gate = await gateOptions(flags, args, context);
    const log = resolve(context.cwd, flags.terminationLog);
    const result = await presync({
      ...gate,
      cwd: context.cwd,
      ...defined({ environment: flags.env }),
    }).catch(async (error: unknown) => {
      // Whoever looks at the failed Job sees these words and nothing else.
      const { code, message } = asFault(error);
      await writeTerminationMessage(log, `${code}: ${message}`);
      throw error;
    });
    await writeTerminationMessage(log, result.message);
    return { result, exit: result.exit };
  },
  text: renderPresync,
});

function renderPresync({ images, message }: Presynced, style: Style): string {
  const lines = images.map(({ image, exit, reasons }) => {
    const mark = exit === 0 ? style.green('✓') : style.red('✗');
    return [
      `${mark} ${escapeLine(image)}`,
      ...reasons.slice(0, 5).map(reason => `    ${escapeLine(reason)}`),
    ].join('\n');
  });
  return [...lines, escapeLine(message.split('\n')[0] ?? '')].join('\n');
}
