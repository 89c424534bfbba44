import {
  isMap,
  isScalar,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

/** Replaces a part of a text; what is outside of edits stays as it is, to the byte. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** From the end, so that the places of earlier edits stay what they are; at one place in the order that is given. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  return edits
    .map((edit, order) => ({ edit, order }))
    .toSorted((a, b) => b.edit.start - a.edit.start || b.order - a.order)
    .reduce((result, { edit }) => result.slice(0, edit.start) + edit.text + result.slice(edit.end), text);
}

/** Gives a scalar another value in the style that it has; undefined when it has that value. */
export function replaceScalar(
  text: string,
  node: Node,
  value: string,
  o: { readonly inFlow: boolean },
): TextEdit | undefined {
  const [start, end] = node.range ?? [0, 0];
  if (!isScalar(node) || sourceOf(node) === value) return undefined;
  if (node.source === undefined || node.source === '') {
    const isTight = start === end && !/\s/.test(text[start - 1] ?? ' ');
    return { start, end, text: `${isTight ? ' ' : ''}${plainOrQuoted(value, o.inFlow)}` };
  }
  // A block scalar ends with its line; one that becomes plain must leave that line its end.
  const isBlock = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
  const lineEnd = isBlock ? (/\r?\n$/.exec(text.slice(start, end))?.[0] ?? '') : '';
  return { start, end, text: quoteLike(node.type, value, o.inFlow) + lineEnd };
}

/** The text of a scalar, however its value reads: `1.20` is that text and no number. */
export function sourceOf(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? undefined);
}

/** Adds a key behind the last one of a map, in the form and at the column that the others have. */
export function insertPair(text: string, map: YAMLMap, key: string, value: string): TextEdit {
  const written = `${key}: ${plainOrQuoted(value, map.flow === true)}`;
  const last = map.items.at(-1);
  if (map.flow === true) {
    const [start] = map.range ?? [0];
    const at = last === undefined ? start + 1 : endOfPair(last);
    return { start: at, end: at, text: last === undefined ? written : `, ${written}` };
  }
  const first = map.items[0]?.key;
  const column = columnOf(text, startOf(first));
  return insertLines(text, last === undefined ? 0 : endOfPair(last), [`${' '.repeat(column)}${written}`]);
}

/** Adds an item of `key: value` lines behind the last one of a block list. */
export function appendItem(
  text: string,
  list: YAMLSeq,
  pairs: readonly (readonly [string, string])[],
): TextEdit | undefined {
  const last = list.items.at(-1);
  if (list.flow === true || last === undefined || !isMap(last)) return undefined;
  const lastPair = last.items.at(-1);
  if (lastPair === undefined) return undefined;
  const dash = text.lastIndexOf('-', startOf(last));
  const indent = ' '.repeat(columnOf(text, dash));
  const end = last.flow === true ? (last.range?.[1] ?? 0) : endOfPair(lastPair);
  return insertLines(text, end, itemLines(indent, pairs));
}

export function itemLines(indent: string, pairs: readonly (readonly [string, string])[]): string[] {
  return pairs.map(
    ([key, value], at) => `${indent}${at === 0 ? '- ' : '  '}${key}: ${plainOrQuoted(value, false)}`,
  );
}

/** New lines below the one in which something ends, with line ends like the others of the text. */
export function insertLines(text: string, after: number, lines: readonly string[]): TextEdit {
  const lineEnd = /\r?\n/.exec(text)?.[0] ?? '\n';
  // What ends with its line (a block scalar) has its end behind it already.
  const isAtLineStart = after > 0 && text[after - 1] === '\n';
  const next = isAtLineStart ? after - 1 : text.indexOf('\n', after);
  const joined = lines.join(lineEnd);
  if (next < 0) return { start: text.length, end: text.length, text: `${lineEnd}${joined}` };
  return { start: next + 1, end: next + 1, text: `${joined}${lineEnd}` };
}

function endOfPair({ key, value }: Pair): number {
  const node = value as Node | null;
  return node?.range?.[1] ?? (key as Node | null)?.range?.[1] ?? 0;
}

function startOf(node: unknown): number {
  return (node as Node | undefined)?.range?.[0] ?? 0;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

function quoteLike(type: Scalar.Type | undefined, value: string, inFlow: boolean): string {
  if (type === Scalar.QUOTE_DOUBLE) return JSON.stringify(value);
  if (type === Scalar.QUOTE_SINGLE) return `'${value.replaceAll("'", "''")}'`;
  return plainOrQuoted(value, inFlow);
}

/** Plain only when every reader, of YAML 1.1 and 1.2, takes it for the same text. */
function plainOrQuoted(value: string, inFlow: boolean): string {
  const isPlain =
    value !== '' &&
    !/[\r\n\t]/.test(value) &&
    !(inFlow && /[,[\]{}]/.test(value)) &&
    readsBack(value, '1.1') &&
    readsBack(value, '1.2');
  return isPlain ? value : JSON.stringify(value);
}

/** A text as the value of a key of a block mapping. */
export function writePlainOrQuoted(value: string): string {
  return plainOrQuoted(value, false);
}

function readsBack(value: string, version: '1.1' | '1.2'): boolean {
  const document = parseDocument(`key: ${value}\n`, { version });
  if (document.errors.length > 0 || document.warnings.length > 0) return false;
  const read: unknown = document.toJS();
  return (
    typeof read === 'object' &&
    read !== null &&
    'key' in read &&
    read.key === value &&
    Object.keys(read).length === 1
  );
}
