import { escapeLine } from '../terminal/escape.ts';
import { createPlainProgress, type ProgressTarget } from './plain.ts';
import type { Progress } from './progress.ts';

/** GitLab CI: every outermost stage is a section of the job log that folds. */
export function createGitlabProgress(target: ProgressTarget): Progress {
  const plain = createPlainProgress(target);
  let open: { id: string; name: string } | undefined;
  let sections = 0;
  const mark = (kind: 'start' | 'end', name: string, title = '') =>
    target.write(`\u001b[0Ksection_${kind}:${Math.floor(target.now() / 1000)}:${name}\r\u001b[0K${title}\n`);
  return event => {
    if (event.type === 'start' && open === undefined) {
      open = { id: event.id, name: `cg_${++sections}` };
      mark('start', open.name, escapeLine(event.title));
    }
    plain(event);
    if (event.type === 'end' && event.id === open?.id) {
      mark('end', open.name);
      open = undefined;
    }
  };
}
