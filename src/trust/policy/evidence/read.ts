/** Readers of predicates, which are of any shape: whatever is not there, or is something else, is undefined. */
export type Json = Readonly<Record<string, unknown>>;

export function at(value: unknown, ...path: readonly string[]): unknown {
  let node = value;
  for (const step of path) node = isObject(node) && Object.hasOwn(node, step) ? node[step] : undefined;
  return node;
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** A list, or nothing at all where there is something else. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Milliseconds of an RFC 3339 time; NaN is no time, and neither is what Date makes of other texts. */
export function timeAt(value: unknown, ...path: readonly string[]): number | undefined {
  const text = textAt(value, ...path);
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text))
    return undefined;
  const time = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
  return Number.isNaN(time) ? undefined : time;
}

/** The longest text of others that a message repeats. */
export function shorten(text: string, most = 200): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

/** As Go's %q prints it, for messages that other tools print as well. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text, 500));
}
