import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
} from 'yaml';
import { YamlError, YamlValues } from './yaml-values.ts';

export interface YamlProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export interface LocatedYaml {
  /** Maps, lists and texts: every scalar is the text that was written, so that 3.20 stays 3.20. Empty and null are left out. */
  readonly value: unknown;
  readonly problems: readonly YamlProblem[];
  /** Line and column of the node at a path, or of the nearest node above it that exists. */
  locate(path: readonly PropertyKey[], part?: 'key' | 'value'): { line: number; column: number };
}

export const largestYaml = 1024 * 1024;
const maxDepth = 100;

/** Reads one YAML document as text only; what a scalar means is the schema's business. */
export function readYaml(text: string): LocatedYaml {
  if (text.length > largestYaml) return broken(`the file is larger than ${largestYaml} bytes`);
  if (isTooDeep(text)) return broken(`the file is nested deeper than ${maxDepth} levels`);
  const lines = new LineCounter();
  // Duplicate keys are found by our own walk: the parser compares each key with all others.
  const document = parseDocument(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
  });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const locate: LocatedYaml['locate'] = (path, part = 'value') =>
    place(offsetOf(document.contents, path, part));
  const problems = [...document.errors, ...document.warnings]
    .slice(0, 100)
    .map(error => ({ message: firstLine(error.message), ...place(error.pos[0]) }));
  if (problems.length > 0) return { value: undefined, problems, locate };
  try {
    return { value: new YamlValues(document).read(document.contents), problems, locate };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { value: undefined, problems: [{ message: error.message, ...place(error.offset) }], locate };
  }
}

function broken(message: string): LocatedYaml {
  return {
    value: undefined,
    problems: [{ message, line: 1, column: 1 }],
    locate: () => ({ line: 1, column: 1 }),
  };
}

/** Collections that nest without end would overflow the parser's stack. Counts too much rather than too little. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const line of text.split('\n')) {
    // Each level of block nesting costs at least a space or a dash at the start of the line.
    const indent = /^[ -]*/.exec(line)?.[0].length ?? 0;
    if (indent > 2 * maxDepth) return true;
    for (const character of line) {
      if (character === '[' || character === '{') depth++;
      else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
      if (depth > maxDepth) return true;
    }
  }
  return false;
}

function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node: Node | null = root;
  let offset = root?.range?.[0] ?? 0;
  for (const [index, step] of path.entries()) {
    const child = childOf(node, step);
    if (child === undefined) break;
    const isLast = index === path.length - 1;
    const shown = isLast && part === 'key' ? child.key : (child.value ?? child.key);
    offset = shown?.range?.[0] ?? child.key?.range?.[0] ?? offset;
    node = child.value;
  }
  return offset;
}

function childOf(node: Node | null, step: PropertyKey): { key: Node | null; value: Node | null } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(item => isPair(item) && isScalar(item.key) && item.key.value === step);
    return pair && { key: isNode(pair.key) ? pair.key : null, value: isNode(pair.value) ? pair.value : null };
  }
  const item = isSeq(node) && typeof step === 'number' ? node.items[step] : undefined;
  return isNode(item) && !isAlias(item) ? { key: item, value: item } : undefined;
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message;
}
