/**
 * What is worked out of a value that never changes is worked out once, as long as somebody holds the value: the same
 * statement is looked at by many rules, and by many trials of a fix.
 */
export function rememberBy<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return key => {
    const before = known.get(key);
    if (before !== undefined) return before.value;
    const value = make(key);
    known.set(key, { value });
    return value;
  };
}
