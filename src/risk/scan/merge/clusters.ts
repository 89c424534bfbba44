import type { EngineFinding } from '../engine.ts';
import { canonicalId, isBundle, isCve } from './identifiers.ts';

/** Names of vulnerabilities that mean the same one, joined over everything that any engine said. */
export class Clusters {
  readonly #parents = new Map<string, string>();
  #names: Map<string, string[]> | undefined;

  join(ids: readonly string[]): void {
    const [first, ...others] = ids.filter(id => !isBundle(id));
    if (first === undefined) return;
    this.#names = undefined;
    const root = this.#find(first);
    for (const other of others) this.#parents.set(this.#find(other), root);
  }

  /** All names of the vulnerability. */
  namesOf(id: string): readonly string[] {
    this.#names ??= this.#group();
    return this.#names.get(this.#find(id)) ?? [id];
  }

  canonical(id: string): string {
    return canonicalId(this.namesOf(id));
  }

  #group(): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const id of this.#parents.keys()) {
      const root = this.#find(id);
      const group = groups.get(root);
      if (group === undefined) groups.set(root, [id]);
      else group.push(id);
    }
    return groups;
  }

  #find(id: string): string {
    let root = id;
    for (
      let next = this.#parents.get(root);
      next !== undefined && next !== root;
      next = this.#parents.get(root)
    ) {
      root = next;
    }
    if (!this.#parents.has(root)) this.#parents.set(root, root);
    // Shorten the way for the next one.
    for (let at = id; at !== root; ) {
      const next = this.#parents.get(at) ?? root;
      this.#parents.set(at, root);
      at = next;
    }
    return root;
  }
}

/** An advisory that bundles vulnerabilities becomes one finding for each; without any it stays what it is. */
export function fanOut(finding: EngineFinding): readonly EngineFinding[] {
  if (!isBundle(finding.id)) return [finding];
  const covered = [...new Set([...(finding.covers ?? []), ...finding.aliases])].filter(isCve);
  const bundles = [...new Set([finding.id, ...finding.bundles])];
  if (covered.length === 0)
    return [{ ...finding, bundles: bundles.filter(id => id !== finding.id), aliases: [] }];
  return covered.map(id => ({ ...finding, id, aliases: [], bundles }));
}
