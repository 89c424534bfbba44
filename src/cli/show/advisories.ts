import { formatBytes, formatCount } from '../../ground/terminal/amounts.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { formatTable } from '../../ground/terminal/table.ts';
import type { AdvisoryStatus } from '../../workflow/keep-advisories.ts';

const shownFeeds = 12;
/** Older data make a gate indeterminate. */
const tooOld = 120;

/** How old and how much, first; then what it covers. */
export function renderAdvisories(status: AdvisoryStatus, style: Style): string {
  const { present, builtAt = '', ageHours = 0, advisories = 0, lineage = [], digest = '', size = 0 } = status;
  if (!present) {
    return `${style.yellow('◦')} no advisories in ${escapeLine(status.folder)}\n  → cg db import FOLDER, or cg db update`;
  }
  const isOld = ageHours > tooOld || ageHours < -1;
  const age = ageHours < 48 ? `${Math.max(0, ageHours)} h` : `${Math.floor(ageHours / 24)} days`;
  const feeds = Object.entries(status.feeds ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const more = feeds.length - shownFeeds;
  return [
    `${isOld ? style.red('✗') : style.green('✓')} ${formatCount(advisories, 'advisory', 'advisories')} of ${builtAt.slice(0, 16)}Z, ${age} old`,
    ...(isOld ? [style.dim('  → too old for a gate: cg db update, or cg db import')] : []),
    formatTable(
      [
        ['data', escapeLine(lineage.join(', '))],
        ['index', `${digest} (${formatBytes(size)})`],
        ['folder', escapeLine(status.folder)],
        ...feeds
          .slice(0, shownFeeds)
          .map(([feed, count], at) => [at === 0 ? 'covers' : '', `${escapeLine(feed)}  ${count}`]),
        ...(more > 0 ? [['', `and ${formatCount(more, 'more feed', 'more feeds')}`]] : []),
      ],
      '  ',
      style.columns,
    ),
  ].join('\n');
}
