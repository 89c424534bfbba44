/** A document of a cluster: what becomes YAML, or was read from it. */
export type ClusterObject = Readonly<Record<string, unknown>>;

export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (here, key) => (isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined),
    value,
  );
}

export function isObject(value: unknown): value is ClusterObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
