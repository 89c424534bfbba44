import { isMap, isSeq, type Node, parseDocument, type YAMLSeq } from 'yaml';
import { Fault } from '../../ground/fault/fault.ts';
import { applyEdits, writePlainOrQuoted } from '../../ground/yaml/splice.ts';

export type EntryField = readonly [string, string | boolean | readonly (readonly [string, string])[]];

/** Adds an item to the list of images, in the form and with the line ends that the file has. */
export function appendEntry(text: string, fields: readonly EntryField[]): string {
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  const root = parseDocument(text, { schema: 'failsafe' }).contents;
  const images = isMap(root) ? (root.get('images', true) as Node | undefined) : root;
  const lines = (indent: string, step: string) => entryLines(indent, step, fields).join(lineEnd) + lineEnd;
  if (isSeq(images) && images.items.length > 0) {
    if (images.flow === true) throw inFlow();
    return insert(text, lastOf(images), lines(indentOf(images, text), stepOf(images, text)), lineEnd);
  }
  if (isMap(root)) return startInMapping(text, root.items.length, images, lines('  ', '  '), lineEnd);
  // An empty list, or nothing: what is around it, comments, stays.
  const list = isSeq(images) ? images.range : undefined;
  const rest =
    list === undefined || list === null
      ? text
      : applyEdits(text, [{ start: list[0], end: list[1], text: '' }]).replace(/^[ \t]+(?=\r?\n|$)/gm, '');
  const body = rest.trim() === '' ? '' : rest.replace(/(?:\r?\n)*$/, lineEnd);
  return body + lines('', '  ');
}

function startInMapping(
  text: string,
  keys: number,
  images: Node | null | undefined,
  lines: string,
  lineEnd: string,
): string {
  if (keys > 0 && images === undefined)
    return insert(text, text.length, `images:${lineEnd}${lines}`, lineEnd);
  const range = images?.range;
  if (range === undefined || range === null)
    return insert(text, text.length, `images:${lineEnd}${lines}`, lineEnd);
  const cleared = applyEdits(text, [{ start: range[0], end: range[1], text: '' }]);
  const head = cleared.slice(0, range[0]).replace(/[ \t]+$/, '');
  return insert(head + cleared.slice(range[0]), head.length, lines, lineEnd);
}

/** Below the line in which something ends. */
function insert(text: string, after: number, lines: string, lineEnd: string): string {
  if (after > 0 && text[after - 1] === '\n') return text.slice(0, after) + lines + text.slice(after);
  const next = text.indexOf('\n', after);
  if (next < 0) return `${text}${text === '' ? '' : lineEnd}${lines}`;
  return text.slice(0, next + 1) + lines + text.slice(next + 1);
}

function entryLines(indent: string, step: string, fields: readonly EntryField[]): string[] {
  const inner = `${indent}${' '.repeat(step.length)}`;
  const dash = `${indent}-${' '.repeat(step.length - 1)}`;
  return fields.flatMap(([key, value], at) => {
    const lead = at === 0 ? dash : inner;
    if (typeof value === 'boolean') return [`${lead}${key}: ${value}`];
    if (typeof value === 'string') return [`${lead}${key}: ${writePlainOrQuoted(value)}`];
    return [
      `${lead}${key}:`,
      ...value.map(([name, text]) => `${inner}${step}${name}: ${writePlainOrQuoted(text)}`),
    ];
  });
}

function indentOf(list: YAMLSeq, text: string): string {
  const first = (list.items[0] as Node).range?.[0] ?? 0;
  const line = text.slice(text.lastIndexOf('\n', first - 1) + 1, first);
  return line.slice(0, Math.max(0, line.lastIndexOf('-')));
}

/** How far the keys of an item stand behind its dash. */
function stepOf(list: YAMLSeq, text: string): string {
  const first = (list.items[0] as Node).range?.[0] ?? 0;
  const line = text.slice(text.lastIndexOf('\n', first - 1) + 1, first);
  const width = line.length - line.lastIndexOf('-');
  return ' '.repeat(width >= 2 && width <= 8 && line.includes('-') ? width : 2);
}

function lastOf(node: Node): number {
  if (isSeq(node) && node.flow !== true && node.items.length > 0) return lastOf(node.items.at(-1) as Node);
  if (isMap(node) && node.flow !== true && node.items.length > 0) {
    const { key, value } = node.items.at(-1) as { key: Node; value: Node | null };
    return value === null ? (key.range?.[1] ?? 0) : lastOf(value);
  }
  return node.range?.[1] ?? 0;
}

function inFlow(): Fault {
  return new Fault('EDIT_REFUSED', {
    what: 'the list of images is written in brackets, on one line',
    next: 'write it as a list with one "- name:" line for each image',
  });
}
