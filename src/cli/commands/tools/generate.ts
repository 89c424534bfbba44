import { exitCodes } from '../../../ground/fault/exit-codes.ts';
import { escapeForTerminal, escapeLine } from '../../../ground/terminal/escape.ts';
import { defined } from '../../../model/defined.ts';
import {
  type GeneratedPipelines,
  generatePipelines,
  platformChoices,
} from '../../../workflow/generate-pipelines.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { version } from '../../version.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg tools generate --platform github',
      does: 'write the workflows of pull requests, merges, releases and nights',
    },
    { run: 'cg tools generate --platform all --dry-run', does: 'show what would be written for both forges' },
    {
      run: 'cg tools generate --check',
      does: 'in CI: exit code 1 and a diff when a file is not as it should be',
    },
  ],
  about:
    'From images.yaml and .cascadeguard.yaml. Each job has the credentials that it needs and no more, and every step is a\n' +
    'cg ci stage. What you changed or made yourself is never overwritten; a bot may raise pins in place. Requests,\n' +
    'issues, charts and releases of the forge are not made yet, so no pipeline calls for them.',
  flags: {
    platform: {
      kind: 'text',
      placeholder: 'FORGE',
      brief: 'ci.platform, or what is there already, without it',
      choices: platformChoices,
    },
    check: { kind: 'toggle', brief: 'write nothing; exit code 1 when a file differs' },
    dryRun: { kind: 'toggle', brief: 'write nothing; show what would be written' },
    outputDir: {
      kind: 'text',
      placeholder: 'DIR',
      brief: 'top of the repository (default: where images.yaml is)',
      complete: 'files',
    },
    repository: {
      kind: 'text',
      placeholder: 'URL',
      brief: 'where it is on its forge, for the identity that signs; the remote origin without it',
    },
    imagesYaml: imagesFlags.imagesYaml,
    format: imagesFlags.format,
  },
  async run({ flags }, context) {
    const result = await generatePipelines({
      ...fleetPlace({ ...flags, stateDir: undefined }, context),
      version,
      clock: context.clock,
      mode: flags.check ? 'check' : flags.dryRun ? 'dry-run' : 'write',
      ...defined({
        platform: flags.platform,
        outputFolder: flags.outputDir,
        repository: flags.repository,
      }),
    });
    for (const note of result.notes) context.say(escapeForTerminal(note));
    return { result, exit: flags.check && result.differs ? exitCodes.deny : exitCodes.done };
  },
  text: renderGenerated,
});

function renderGenerated({ files }: GeneratedPipelines): string {
  const list = files.map(({ path, status, written }) => {
    return `${(written ? 'written' : status).padEnd(11)}  ${escapeLine(path)}`;
  });
  const diffs = files.flatMap(({ diff }) => (diff === undefined ? [] : [escapeForTerminal(diff)]));
  return [...list, ...diffs].join('\n');
}
