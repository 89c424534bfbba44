import { exitCodes } from '../../../ground/fault/exit-codes.ts';
import { formatCount } from '../../../ground/terminal/amounts.ts';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { Style } from '../../../ground/terminal/style.ts';
import { formatTable } from '../../../ground/terminal/table.ts';
import type { BaseDecision, CheckEntry, CheckedImages } from '../../../workflow/check-images.ts';
import type { Context } from '../../context.ts';

/** One line for each thing that was looked at. */
export function renderEntries(entries: readonly CheckEntry[], style: Style): string {
  if (entries.length === 0) return 'no image is checked here yet; begin with cg images enrol';
  const rows = entries.map(entry => {
    const { mark, detail } = describe(entry, style);
    return [mark, escapeLine(entry.image), entry.status, escapeLine(detail)];
  });
  return formatTable(rows, '', style.columns);
}

function describe(entry: CheckEntry, style: Style): { mark: string; detail: string } {
  switch (entry.status) {
    case 'ok':
      return { mark: style.green('✓'), detail: cut(entry.digest) };
    case 'new':
      return { mark: style.cyan('●'), detail: cut(entry.live) };
    case 'drift':
      return { mark: style.red('✗'), detail: `${cut(entry.recorded)} → ${cut(entry.live)}` };
    case 'new-tags':
      return { mark: style.yellow('↑'), detail: entry.new_tags.join(', ') };
    case 'error':
      return { mark: style.red('?'), detail: `${entry.code}: ${entry.reason}` };
    case 'skipped':
      return { mark: style.dim('-'), detail: entry.reason };
    case 'quarantined':
      return {
        mark: style.yellow('…'),
        detail: `${entry.base} ${cut(entry.digest)}, from ${entry.eligibleAt}`,
      };
    case 'eligible':
    case 'promoted':
      return { mark: style.green('→'), detail: `${entry.base} ${cut(entry.digest)}` };
  }
}

/** Sixteen characters are enough to compare by eye. */
export function cut(digest: string): string {
  return `${digest.slice(0, 16)}…`;
}

/** What each consumer waits for, and what it may have now. */
export function sayDecisions(
  { decisions, pins, entries }: CheckedImages,
  context: Context,
  o: { readonly pinned: boolean; readonly dryRun: boolean },
): void {
  const now = context.clock.now();
  const lines = decisions.flatMap(decision => describeDecision(decision, now) ?? []);
  for (const line of joinImages(lines)) context.say(escapeLine(line));
  for (const { path, image, base, lines } of pins)
    context.say(
      escapeLine(
        `${o.dryRun ? 'would pin' : 'pinned'} ${base} for ${image}: ${path}, line ${lines.join(', ')}`,
      ),
    );
  if (!o.pinned && entries.some(({ status }) => status === 'eligible'))
    context.say('what is eligible is pinned by: cg images check --no-commit');
}

/** A thousand images that wait for the same are one line, and not a thousand. */
function joinImages(lines: readonly string[]): readonly string[] {
  const imagesOf = new Map<string, string[]>();
  for (const line of lines) {
    const [image = '', ...rest] = line.split(': ');
    const what = rest.join(': ');
    imagesOf.set(what, [...(imagesOf.get(what) ?? []), image]);
  }
  return [...imagesOf].map(([what, images]) => {
    const more = images.length > 3 ? ` and ${images.length - 3} more` : '';
    return `${images.slice(0, 3).join(', ')}${more}: ${what}`;
  });
}

/** What could not be looked at, last, because it is what somebody has to act on. */
export function sayUnreached({ entries, exit }: CheckedImages, context: Context): void {
  const failed = entries.filter(entry => entry.status === 'error');
  if (failed.length === 0) return;
  const names = failed.slice(0, 3).map(({ image, code, reason }) => `${image} (${code}: ${reason})`);
  const more = failed.length > 3 ? ` and ${failed.length - 3} more` : '';
  const next =
    exit === exitCodes.remote
      ? 'run it again when they answer; --allow-unreachable goes on without'
      : 'cg images status';
  context.progress({
    type: 'note',
    level: 'warning',
    text: `the check is incomplete: ${formatCount(failed.length, 'thing')} could not be looked at: ${names.join(', ')}${more}; next: ${next}`,
  });
}

export function describeDecision(decision: BaseDecision, now: Date): string | undefined {
  const { image, base } = decision;
  switch (decision.outcome) {
    case 'waiting':
      return `${image}: ${base} ${cut(decision.digest)} waits ${remaining(decision.eligibleAt, now)} more, until ${decision.eligibleAt}`;
    case 'starved':
      return `${image}: ${base} changes faster than its window of ${hours(decision.window)} and has been starved for ${decision.days} days; quarantine.select: newest-eligible would follow it`;
    case 'held':
      return `${image}: ${base} ${cut(decision.digest)} is held: ${decision.reason}`;
    case 'eligible':
    case 'up-to-date':
      return undefined;
  }
}

function remaining(eligibleAt: string, now: Date): string {
  return hours(Date.parse(eligibleAt) - now.getTime());
}

function hours(milliseconds: number): string {
  const minutes = Math.ceil(milliseconds / 60_000);
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h`;
}
