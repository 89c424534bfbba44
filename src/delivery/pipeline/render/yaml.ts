import { Document, type Node, Pair, Scalar, stringify, YAMLMap, YAMLSeq } from 'yaml';

/** A value with what a reader should know about it. */
export class Noted {
  readonly value: unknown;
  readonly note: string;

  constructor(value: unknown, note: string) {
    this.value = value;
    this.note = note;
  }
}

export function noted(value: unknown, note: string | undefined): unknown {
  return note === undefined ? value : new Noted(value, note);
}

/** Bytes that are the same every time: our order of keys, LF, no anchors, no folded lines. */
export function writeYaml(value: object): string {
  const document = new Document();
  document.contents = toNode(value) as YAMLMap;
  return document.toString({ lineWidth: 0, indentSeq: true, flowCollectionPadding: false });
}

function toNode(value: unknown): Node {
  if (value instanceof Noted) {
    const node = toNode(value.value);
    node.comment = ` ${value.note}`;
    return node;
  }
  if (Array.isArray(value)) return toList(value);
  if (typeof value === 'object' && value !== null) return toMap(value);
  return toScalar(value);
}

function toList(values: readonly unknown[]): YAMLSeq {
  const list = new YAMLSeq();
  list.items = values.map(toNode);
  list.flow =
    values.length <= 3 && values.every(one => typeof one === 'string' && /^[\w:.-]{1,40}$/.test(one));
  return list;
}

function toMap(value: object): YAMLMap {
  const map = new YAMLMap();
  map.items = Object.entries(value).map(([key, one]) => new Pair(toKey(key), toNode(one)));
  if (map.items.length === 0) map.flow = true;
  return map;
}

/** People know the first word of a workflow without quotes, and GitHub reads YAML 1.2. */
function toKey(key: string): Scalar {
  return key === 'on' ? new Scalar(key) : toScalar(key);
}

/** Quoted when only one of YAML 1.1 and 1.2 takes it for a text: the forges do not read the same one. */
function toScalar(value: unknown): Scalar {
  const scalar = new Scalar(value);
  if (typeof value !== 'string') return scalar;
  if (value.includes('\n')) scalar.type = Scalar.BLOCK_LITERAL;
  else if (/^["']/.test(stringify(value, { version: '1.1' }))) scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}
