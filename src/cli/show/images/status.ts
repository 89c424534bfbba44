import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { Style } from '../../../ground/terminal/style.ts';
import { formatTable } from '../../../ground/terminal/table.ts';
import type { ShownImages } from '../../../workflow/show-images.ts';
import { cut, describeDecision } from './checked.ts';

/** Images, bases and the graph as a tree, from the bases up to what stands on them. */
export function renderStatus(shown: ShownImages & { readonly at: string }, style: Style): string {
  const { images, bases } = shown;
  if (images.length === 0) return 'no image is enrolled; begin with cg images enrol';
  const imageRows = images.flatMap(image => [
    [
      style.bold(escapeLine(image.name)),
      image.kind,
      image.digest === undefined ? '' : cut(image.digest),
      image.lastBuilt ?? '',
    ],
    ...image.bases.map(({ ref, kind, pinned }) => [
      `  ${escapeLine(ref.split('@')[0] ?? ref)}`,
      kind,
      pinned === undefined ? 'not pinned' : cut(pinned),
      '',
    ]),
  ]);
  const now = new Date(shown.at);
  const baseBlocks = bases.map(({ base, digest, observedAt, consumers }) => {
    const head = `${escapeLine(base)}  ${digest === undefined ? 'never seen' : `${cut(digest)}, since ${observedAt ?? 'unknown'}`}`;
    const waits = consumers.map(
      consumer =>
        `  ${escapeLine(describeDecision(consumer, now) ?? `${consumer.image}: ${consumer.outcome}`)}`,
    );
    return [head, ...waits].join('\n');
  });
  return [
    `${style.bold('Images')}\n${formatTable(imageRows, '  ', style.columns)}`,
    `${style.bold('Bases')}\n${baseBlocks.join('\n')}`,
    `${style.bold('Graph')}\n${drawTree(shown).join('\n')}`,
  ].join('\n\n');
}

/** Each node below all it stands on, shown once; where it comes again, only its name. Not recursive: chains may be long. */
function drawTree({ nodes, edges }: ShownImages): string[] {
  const users = new Map<string, string[]>();
  for (const { from, to } of edges) users.set(to, [...(users.get(to) ?? []), from]);
  const standing = new Set(edges.map(({ from }) => from));
  const roots = [...new Set([...edges.map(({ to }) => to), ...nodes])].filter(name => !standing.has(name));
  const stack = roots
    .toSorted()
    .toReversed()
    .map(name => ({ name, depth: 0 }));
  const drawn = new Set<string>();
  const lines: string[] = [];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { name, depth } = at;
    const isAgain = drawn.has(name);
    const below = users.get(name) ?? [];
    lines.push(
      `${'  '.repeat(Math.min(depth, 40))}${depth === 0 ? '' : '└ '}${escapeLine(name)}${isAgain && below.length > 0 ? ' (above)' : ''}`,
    );
    if (isAgain) continue;
    drawn.add(name);
    for (const user of below.toSorted().toReversed()) stack.push({ name: user, depth: depth + 1 });
  }
  return lines;
}
