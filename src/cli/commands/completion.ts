import { Fault } from '../../ground/fault/fault.ts';
import { defineCommand } from '../command.ts';
import { shellScripts } from '../completion/scripts.ts';

const shells = Object.keys(shellScripts);

export const command = defineCommand({
  examples: [
    { run: 'source <(cg completion bash)', does: 'complete in this bash' },
    { run: 'cg completion zsh > "${fpath[1]}/_cg"', does: 'complete in every new zsh' },
    { run: 'cg completion fish > ~/.config/fish/completions/cg.fish', does: 'complete in every new fish' },
  ],
  args: [{ name: 'SHELL', brief: shells.join(', '), required: true, complete: () => shells }],
  flags: {},
  async run({ args: [shell = ''] }) {
    const script = Object.hasOwn(shellScripts, shell)
      ? shellScripts[shell as keyof typeof shellScripts]
      : undefined;
    if (script === undefined) {
      throw new Fault('USAGE', {
        what: `there is no completion for "${shell}"`,
        expected: shells.join(', '),
        actual: shell,
        next: 'cg completion bash',
      });
    }
    return { result: { shell, script } };
  },
  text: result => result.script,
});
