import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { ShownVerdict } from './report.ts';
import { count, outcomeOf } from './text.ts';

const good = ':white_check_mark:';
const bad = ':x:';

/** The table for a job summary. */
export function renderSummaryMarkdown(gated: ShownVerdict): string {
  const { components, effectiveTime } = gated.verdict;
  const [violations, warnings, successes] = (['violations', 'warnings', 'successes'] as const).map(kind =>
    count(components, kind),
  );
  const outcome = outcomeOf(gated);
  const mark = (isGood: boolean) => (isGood ? good : bad);
  const rows: (readonly [string, string, string])[] = [
    ['Time', effectiveTime.replace('T', ' ').replace('Z', ''), ''],
    ['Successes', String(successes), mark((successes ?? 0) > 0 && violations === 0)],
    ['Failures', String(violations), mark(violations === 0)],
    ['Warnings', String(warnings), mark(warnings === 0)],
    ['Result', outcome, mark(outcome === 'SUCCESS' || outcome === 'WARNING')],
  ];
  const table = [
    '| Field     | Value |Status|',
    '|-----------|-------|-------|',
    ...rows.map(([field, value, status]) => `| ${field} | ${value} | ${status} |`),
  ];
  const reasons = components.flatMap(({ containerImage, violations: found, trouble }) => [
    ...found
      .slice(0, 50)
      .map(
        ({ code, message }) =>
          `- ${escapeMarkdown(code)} (${escapeMarkdown(containerImage)}): ${escapeMarkdown(message)}`,
      ),
    ...(trouble === undefined
      ? []
      : [`- no verdict (${escapeMarkdown(containerImage)}): ${escapeMarkdown(trouble.message)}`]),
  ]);
  return [...table, ...(reasons.length > 0 ? ['', ...reasons.slice(0, 200)] : [])].join('\n');
}

/** Text of others neither links, mentions, embeds nor ends a table. */
export function escapeMarkdown(text: string): string {
  return escapeLine(text)
    .slice(0, 1000)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_{}[\]()#+!|~>]/g, character => `\\${character}`)
    .replaceAll('@', '@\u200b')
    .replaceAll('://', ':\u200b//');
}
