import { resolve } from 'node:path';
import { exitCodes } from '../../ground/fault/exit-codes.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { type SynthesizedDelivery, synthDelivery, synthTargets } from '../../workflow/synth-delivery.ts';
import { defineCommand } from '../command.ts';
import { fleetPlace, imagesFlags } from '../images-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg synth --out ../gitops',
      does: "Kargo's project, Argo CD's applications and the gates of all environments",
    },
    { run: 'cg synth --target presync --out ../gitops', does: 'the gates alone' },
    {
      run: 'cg synth --out ../gitops --check',
      does: 'in CI: exit code 1 when a file or the images of a gate differ',
    },
  ],
  about:
    'From images.yaml and .cascadeguard.yaml. Digests are promoted and nothing else, judged before each commit; the projects of\n' +
    'Argo CD let in no more than the overlays hold; each gate is told of every image that its overlay renders to, which is\n' +
    'looked at afterwards. Files of others, and files that were changed by hand, are left alone (exit code 2).',
  flags: {
    target: {
      kind: 'text',
      placeholder: 'TARGET',
      brief: 'what to write; all without it',
      choices: [...synthTargets, 'all'],
      many: true,
    },
    out: {
      kind: 'text',
      placeholder: 'DIR',
      brief: 'checkout of the repository that describes the environments',
      fallback: '.',
      complete: 'files',
    },
    check: { kind: 'toggle', brief: 'write nothing; exit code 1 when something would be different' },
    dryRun: { kind: 'toggle', brief: 'write nothing; say what would be different' },
    imagesYaml: imagesFlags.imagesYaml,
    stateDir: imagesFlags.stateDir,
    format: imagesFlags.format,
  },
  async run({ flags }, context) {
    const named = synthTargets.filter(target => flags.target.includes(target));
    const isAll = flags.target.length === 0 || flags.target.includes('all');
    const result = await synthDelivery({
      ...fleetPlace(flags, context),
      targets: isAll ? synthTargets : named,
      folder: resolve(context.cwd, flags.out),
      check: flags.check || flags.dryRun,
    });
    const isDenied = result.differs && !(flags.dryRun && !flags.check);
    return { result, exit: isDenied ? exitCodes.deny : exitCodes.done };
  },
  text: renderSynthesis,
});

function renderSynthesis({ files, gates }: SynthesizedDelivery, style: Style): string {
  return [
    ...files.map(({ path, status }) => `${status.padEnd(9)}  ${escapeLine(path)}`),
    ...gates.flatMap(({ environment, images, missing, isWhole }) => [
      isWhole
        ? style.green(`the gate of ${environment} looks at all ${images.length} images`)
        : style.red(`the gate of ${environment} does not look at what the overlay runs`),
      ...missing.map(image => `  not looked at: ${escapeLine(image)}`),
    ]),
  ].join('\n');
}
