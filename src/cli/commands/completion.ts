import { defineCommand } from '../command.ts';
import { shellScripts } from '../completion/scripts.ts';

const shells = Object.keys(shellScripts);

export const command = defineCommand({
  examples: [
    { run: 'source <(cg completion bash)', does: 'complete in this bash' },
    { run: 'cg completion zsh > "${fpath[1]}/_cg"', does: 'complete in every new zsh' },
    { run: 'cg completion fish > ~/.config/fish/completions/cg.fish', does: 'complete in every new fish' },
  ],
  args: [{ name: 'SHELL', brief: shells.join(', '), required: true, choices: shells }],
  flags: {},
  async run({ args: [shell = ''] }) {
    return { result: { shell, script: shellScripts[shell as keyof typeof shellScripts] } };
  },
  text: result => result.script,
});
