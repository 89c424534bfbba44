import { resolve } from 'node:path';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { formatTable } from '../../../ground/terminal/table.ts';
import { showConfig } from '../../../workflow/show-config.ts';
import { defineCommand } from '../../command.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg config show', does: 'every setting that holds here' },
    { run: 'cg config show quarantine', does: 'only the settings below one key' },
    { run: 'cg config show --output json', does: 'the same for a script' },
  ],
  about:
    'A flag wins over an environment variable, that over .cascadeguard.yaml, that over\n' +
    '~/.config/cascadeguard/config.yaml, and that over the default.',
  args: [{ name: 'KEY', brief: 'show only this key and what is below it', required: false }],
  flags: {
    config: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'the project file, instead of .cascadeguard.yaml here',
      env: 'CG_CONFIG',
      complete: 'files',
    },
  },
  async run({ flags, args: [key] }, { cwd, env }) {
    const { settings } = await showConfig({
      cwd,
      env,
      ...(flags.config !== undefined && { projectFile: resolve(cwd, flags.config) }),
    });
    return {
      result: {
        settings: settings.filter(s => key === undefined || s.key === key || s.key.startsWith(`${key}.`)),
      },
    };
  },
  text: ({ settings }, style) =>
    settings.length === 0
      ? 'no such setting; cg config show lists them all'
      : formatTable(
          settings.map(s => [
            escapeLine(s.key),
            escapeLine(typeof s.value === 'string' ? s.value : JSON.stringify(s.value)),
            style.dim(s.place === undefined ? s.origin : `${s.origin}  ${escapeLine(s.place)}`),
          ]),
        ),
});
