import { formatCount } from '../../ground/terminal/amounts.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import type { RescanReport } from '../../workflow/ci/rescan/rescan-stage.ts';

type Image = RescanReport['images'][number];

const shown = 40;

/** What is new, what would be denied now, and what nobody could look at; the counts come last, where a log ends. */
export function renderRescan({ images, idle }: RescanReport): string {
  const added = images.reduce((sum, image) => sum + image.added.length, 0);
  const denied = images.filter(({ status }) => status === 'deny').length;
  const open = images.filter(({ problems }) => problems.length > 0).length;
  return [
    ...images.flatMap(renderImage),
    ...idle.map(image => `nothing yet  ${escapeLine(image)}`),
    `${formatCount(images.length, 'image')} scanned again: ${formatCount(added, 'new finding')}, ${denied} that policy would deny now, ${open} not verified or not scanned whole`,
  ].join('\n');
}

function renderImage({
  image,
  environments,
  status,
  problems,
  reasons,
  findings,
  added,
  gone,
}: Image): string[] {
  const word = { allow: 'allow', deny: 'deny', indeterminate: 'no verdict' }[status];
  const where = environments.map(escapeLine).join(', ');
  return [
    `${word}  ${escapeLine(image)}  (${where})  ${formatCount(findings, 'open finding')}`,
    ...problems.map(({ message }) => `  not seen  ${escapeLine(message)}`),
    ...few(
      added.map(
        ({ id, severity, package: name, version, fixedIn }) =>
          `  new       ${escapeLine(id)} (${severity}) in ${escapeLine(`${name} ${version}`)}, ${fixedIn.length === 0 ? 'no fix' : `fixed in ${escapeLine(fixedIn.join(' or '))}`}`,
      ),
    ),
    ...few(gone.map(name => `  gone      ${escapeLine(name)}`)),
    ...(status === 'deny'
      ? reasons.map(({ rule, reason }) => `  denied    ${escapeLine(`${rule}: ${reason}`)}`)
      : []),
  ];
}

function few(lines: readonly string[]): readonly string[] {
  const more = lines.length - shown;
  return more > 0 ? [...lines.slice(0, shown), `            and ${more} more: rescan.json`] : lines;
}
