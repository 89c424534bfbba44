import type { ExitCode } from '../ground/fault/exit-codes.ts';
import type { World } from './context.ts';

/** The whole program but for the process around it: words in, exit code out. Never throws. */
export async function run(words: readonly string[], world: World): Promise<ExitCode> {
  try {
    return await dispatch(words, world);
  } catch (error) {
    const { reportFault } = await import('./report-fault.ts');
    return reportFault(error, words, world);
  }
}

/** Everything is loaded only when it is needed: help and version are as fast as bare node, nearly. */
async function dispatch(words: readonly string[], world: World): Promise<ExitCode> {
  const [first] = words;
  const beforeDashes = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  if (first === '__complete')
    return (await import('./completion/complete.ts')).complete(words.slice(1), world);
  if (asksForVersion(beforeDashes) || first === 'version') {
    const { printVersion } = await import('./version.ts');
    return printVersion(words, world);
  }
  const isPlain = beforeDashes.some(word => !word.startsWith('-'));
  if (!isPlain) return (await import('./print-overview.ts')).printOverview(words, world);
  if (first === 'help') return (await import('./print-help.ts')).printHelp(words.slice(1), world);
  return (await import('./run-command.ts')).runNamedCommand(words, world);
}

/** A command may have a flag of that name, which then has a value: `cg ci tag --version v1.0.0`. */
function asksForVersion(words: readonly string[]): boolean {
  const at = words.indexOf('--version');
  if (at === -1) return false;
  const isOfCommand = words.slice(0, at).some(word => !word.startsWith('-'));
  return !isOfCommand || words[at + 1] === undefined || words[at + 1]?.startsWith('-') === true;
}
