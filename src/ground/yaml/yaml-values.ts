import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type ParsedNode,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';

/** A document that is YAML and still not acceptable, with the offset of what is wrong. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  readonly offset: number;

  constructor(message: string, node: Node | null) {
    super(message);
    this.offset = node?.range?.[0] ?? 0;
  }
}

/** Anchors multiply: a small file must not become a large value, so every visit counts. */
const mostNodes = 100_000;

/** Turns the nodes of a document into plain values in one bounded walk. */
export class YamlValues {
  readonly #document: Document.Parsed;
  readonly #open = new Set<Node>();
  #visited = 0;
  #targets: ReadonlyMap<Node, Node> | undefined;

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  /** Undefined for what is empty: an absent key, an empty value, ~ and null are the same; quoted "null" is a text. */
  read(node: ParsedNode | Node | null): unknown {
    this.#visited++;
    if (this.#visited > mostNodes)
      throw new YamlError(
        `the file holds more than ${mostNodes} values, counting each use of an anchor`,
        node,
      );
    if (node === null) return undefined;
    if (isAlias(node)) return this.#readAlias(node);
    if (isScalar(node)) return readScalar(node);
    return this.#guarded(node, () => {
      if (isMap(node)) return this.#readMap(node);
      return isSeq(node) ? node.items.map(item => this.read(isNode(item) ? item : null) ?? null) : undefined;
    });
  }

  #readAlias(node: Node): unknown {
    this.#targets ??= findTargets(this.#document);
    const target = this.#targets.get(node);
    if (target === undefined) throw new YamlError('an alias names an anchor that is not there', node);
    return this.read(target);
  }

  #readMap(map: YAMLMap): Record<string, unknown> {
    const own = new Map<string, unknown>();
    const merged = new Map<string, unknown>();
    for (const pair of map.items) {
      if (!isPair(pair) || !isScalar(pair.key)) throw new YamlError('a key is not a text', map);
      const key = String(pair.key.value);
      const value = isNode(pair.value) ? pair.value : null;
      if (key === '<<' && pair.key.type === Scalar.PLAIN) {
        for (const [name, item] of this.#readMerge(value)) if (!merged.has(name)) merged.set(name, item);
        continue;
      }
      if (own.has(key)) throw new YamlError(`the key "${key}" stands twice in one mapping`, pair.key);
      own.set(key, this.read(value));
    }
    return Object.fromEntries([...merged, ...own].filter(([, item]) => item !== undefined));
  }

  /** `<<: *defaults` or `<<: [*a, *b]`; the first one wins, what stands beside wins over all. */
  #readMerge(node: Node | null): [string, unknown][] {
    const value = this.read(node);
    const sources = Array.isArray(value) ? value : [value];
    return sources.flatMap(source => {
      if (typeof source !== 'object' || source === null || Array.isArray(source)) {
        throw new YamlError('"<<" merges mappings only', node);
      }
      return Object.entries(source as Record<string, unknown>);
    });
  }

  #guarded<T>(node: Node, work: () => T): T {
    if (this.#open.has(node)) throw new YamlError('an anchor refers to itself', node);
    this.#open.add(node);
    try {
      return work();
    } finally {
      this.#open.delete(node);
    }
  }
}

/** From each alias to the node that it means, in one walk: the parser would walk once for each alias. */
function findTargets(document: Document.Parsed): ReadonlyMap<Node, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  visit(document, {
    Alias: (_key, alias) => {
      const target = anchors.get(alias.source);
      if (target !== undefined) targets.set(alias, target);
    },
    Value: (_key, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

function readScalar(node: Scalar): string | undefined {
  const text = typeof node.value === 'string' ? node.value : (node.source ?? '');
  return node.type === Scalar.PLAIN && /^(?:|~|null|Null|NULL)$/.test(text) ? undefined : text;
}
