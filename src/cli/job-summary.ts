import { appendFile } from 'node:fs/promises';
import type { Context } from './context.ts';

/** Adds to the page of the job on GitHub; elsewhere the log has it. */
export async function appendSummary(title: string, markdown: string, context: Context): Promise<void> {
  const summary = context.env['GITHUB_STEP_SUMMARY'];
  if (!summary) return;
  await appendFile(summary, `## ${title}\n\n${markdown}\n`).catch(() =>
    context.say(`the job summary ${summary} could not be written`),
  );
}

/** GitHub takes a mebibyte for all steps of a job. */
const longest = 250_000;

/** Text of others: in a block nothing is markup, as long as nothing in it ends the block. */
export function quoteBlock(text: string): string {
  return `\`\`\`text\n${text.slice(0, longest).replaceAll('```', "'''")}\n\`\`\``;
}
