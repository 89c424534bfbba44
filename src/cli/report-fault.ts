import type { ExitCode } from '../ground/fault/exit-codes.ts';
import type { Fault } from '../ground/fault/fault.ts';
import { asFault, exitCodeOf, recordFault, renderCauses, renderFault } from '../ground/fault/render.ts';
import { githubError } from '../ground/progress/github.ts';
import { defuseWorkflowCommands } from '../ground/terminal/escape.ts';
import { formatJson } from '../ground/terminal/format-json.ts';
import { createStyle, wantsColour } from '../ground/terminal/style.ts';
import { type World, widthOf } from './context.ts';

/** Shows an error in the way that was asked for and gives the exit code of its kind. */
export function reportFault(error: unknown, words: readonly string[], world: World): ExitCode {
  const fault = asFault(error);
  if (wantsJson(words, world)) {
    world.stdout.write(`${formatJson({ error: recordFault(fault) })}\n`);
  } else {
    const style = createStyle(
      wantsColour('auto', world.env, world.stderr.isTTY === true),
      widthOf(world.stderr),
    );
    const text = `${renderFault(fault, style)}\n`;
    world.stderr.write(world.env.GITHUB_ACTIONS === 'true' ? defuseWorkflowCommands(text) : text);
  }
  if (world.env.GITHUB_ACTIONS === 'true') world.stderr.write(annotate(fault));
  const verbose = words.includes('--verbose') || words.includes('-v') || Boolean(world.env.CG_VERBOSE);
  if (verbose) world.stderr.write(`${defuseWorkflowCommands(renderCauses(error))}\n`);
  return exitCodeOf(fault);
}

/** The flags may be what is wrong, so they are looked for by hand. */
function wantsJson(words: readonly string[], world: World): boolean {
  const at = words.findIndex(word => word === '--output' || word === '-o');
  const value = at === -1 ? undefined : words[at + 1];
  return (
    value === 'json' ||
    words.includes('--output=json') ||
    words.includes('-ojson') ||
    world.env.CG_OUTPUT === 'json'
  );
}

function annotate(fault: Fault): string {
  const record = recordFault(fault);
  const place = /^(?<file>[^:\s]+):(?<line>\d+)(?::(?<column>\d+))?$/.exec(record.where ?? '')?.groups;
  const text = record.next === undefined ? record.what : `${record.what}\nnext: ${record.next}`;
  return githubError(
    record.code,
    text,
    place && {
      file: place.file ?? '',
      line: Number(place.line),
      ...(place.column !== undefined && { column: Number(place.column) }),
    },
  );
}
