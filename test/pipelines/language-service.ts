import { join } from 'node:path';
import { build } from 'esbuild';

export interface Problem {
  readonly message: string;
  readonly severity?: number;
}

export interface LanguageService {
  /** What GitHub's editor would underline. */
  validate(path: string, text: string): Promise<readonly Problem[]>;
  /** What its parser of workflows cannot take. */
  parse(path: string, text: string): readonly string[];
}

const entry = `
import { validate } from '@actions/languageservice';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
// A document of one name is read once and remembered.
let count = 0;
export async function check(path, text) {
  return await validate(TextDocument.create('file:///repo' + ++count + '/' + path, 'yaml', 1, text), {});
}
export function parse(path, text) {
  return parseWorkflow({ name: path, content: text }, new NoOperationTraceWriter()).context.errors.getErrors().map(error => error.message);
}
`;

/** Bundled first: its packages import JSON without the attribute that Node 20 wants. */
export async function loadLanguageService(folder: string): Promise<LanguageService> {
  const outfile = join(folder, 'language-service.mjs');
  await build({
    stdin: { contents: entry, resolveDir: join(import.meta.dirname, '../..'), loader: 'js' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'silent',
  });
  const loaded = (await import(outfile)) as {
    check: LanguageService['validate'];
    parse: LanguageService['parse'];
  };
  return { validate: loaded.check, parse: loaded.parse };
}
