import { defuseWorkflowCommands, escapeLine } from '../terminal/escape.ts';
import { createPlainProgress, type ProgressTarget } from './plain.ts';
import type { Progress, ProgressEvent } from './progress.ts';

/** GitHub Actions: stages fold into groups, warnings become annotations on the line that they are about. */
export function createGithubProgress(target: ProgressTarget): Progress {
  const plain = createPlainProgress({ ...target, write: text => target.write(defuseWorkflowCommands(text)) });
  let open: string | undefined;
  return (event: ProgressEvent) => {
    if (event.type === 'start' && open === undefined) {
      open = event.id;
      target.write(`::group::${escapeData(escapeLine(event.title))}\n`);
    }
    if (event.type === 'note' && event.level === 'warning') {
      target.write(`::warning${formatPlace(event.place)}::${escapeData(escapeLine(event.text))}\n`);
      return;
    }
    if (event.type === 'detail' && !target.verbose) {
      target.write(`::debug::${escapeData(escapeLine(event.text))}\n`);
      return;
    }
    plain(event);
    if (event.type === 'end' && event.id === open) {
      open = undefined;
      target.write('::endgroup::\n');
    }
  };
}

/** An error as an annotation. */
export function githubError(
  code: string,
  text: string,
  place?: { file: string; line?: number; column?: number },
): string {
  return `::error title=${escapeProperty(code)}${formatPlace(place).replace(/^ /, ',')}::${escapeData(text)}\n`;
}

function formatPlace(place: { file: string; line?: number; column?: number } | undefined): string {
  if (place === undefined) return '';
  const line = place.line === undefined ? '' : `,line=${place.line}`;
  const column = place.column === undefined ? '' : `,col=${place.column}`;
  return ` file=${escapeProperty(place.file)}${line}${column}`;
}

function escapeData(text: string): string {
  return text
    .replaceAll('##[', '# #[')
    .replaceAll('%', '%25')
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
