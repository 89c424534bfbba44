import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';

const bundle = join(import.meta.dirname, '../node_modules/gitlab-ci-local/dist/index.js');
const start = '{$schema:"http://json-schema.org/draft-07/schema#",$id:"https://gitlab.com/.gitlab-ci.yml"';

/** GitLab's schema of its CI files, which gitlab-ci-local carries inside its bundle as an object. */
export function readGitlabSchema(): object {
  const text = readFileSync(bundle, 'utf8');
  const from = text.indexOf(start);
  if (from === -1) throw new Error('gitlab-ci-local holds its schema somewhere else now');
  return runInNewContext(`(${text.slice(from, endOfObject(text, from))})`) as object;
}

/** Behind the brace that closes the one at `from`; braces in strings do not count. */
function endOfObject(text: string, from: number): number {
  let depth = 0;
  let quote: string | undefined;
  for (let at = from; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote !== undefined) {
      if (character === '\\') at++;
      else if (character === quote) quote = undefined;
    } else if (character === '"' || character === "'" || character === '`') quote = character;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return at + 1;
  }
  throw new Error('the object does not end');
}
