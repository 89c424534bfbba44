import { findCommand } from '../../src/cli/find-command.ts';
import { globalFlags } from '../../src/cli/global-flags.ts';
import { readInput } from '../../src/cli/read-input.ts';

/** Throws when words that somebody is told to type are no command of ours with flags that it has. */
export async function checkCall(words: readonly string[]): Promise<void> {
  const found = findCommand(words);
  if (found.kind !== 'command') throw new Error(`there is no command: ${words.join(' ')}`);
  const { command } = await found.entry.load();
  const flags = { ...command.flags, ...globalFlags };
  readInput({ name: found.entry.path, flags, args: command.args ?? [] }, found.words, {});
}
