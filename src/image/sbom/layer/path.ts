/** `./a//b` is `a/b`; undefined when a part is `..`, which no honest archive has. */
export function normalisePath(name: string): string | undefined {
  // Nearly every name is already as it should be, or begins with "./".
  const plain = name.startsWith('./') ? name.slice(2) : name;
  if (!/\/\/|(?:^|\/)\.{0,2}(?:\/|$)/.test(plain)) return plain;
  const parts = plain.split('/').filter(part => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : parts.join('/');
}

const mostHops = 40;

/**
 * Where a path leads on the merged view of an image. Cycles and targets outside of the root lead nowhere, and
 * never to the host.
 */
export function resolvePath(
  path: string,
  links: ReadonlyMap<string, string>,
  followLast = true,
): string | undefined {
  let waiting = path.split('/').filter(part => part !== '' && part !== '.');
  let done: string[] = [];
  for (let hops = 0; waiting.length > 0; ) {
    const [part = '', ...rest] = waiting;
    waiting = rest;
    if (part === '..') {
      if (done.length === 0) return undefined;
      done.pop();
      continue;
    }
    done.push(part);
    const target = links.get(done.join('/'));
    if (target === undefined || (rest.length === 0 && !followLast)) continue;
    if (++hops > mostHops) return undefined;
    done = target.startsWith('/') ? [] : done.slice(0, -1);
    waiting = [...target.split('/').filter(piece => piece !== '' && piece !== '.'), ...rest];
  }
  return done.join('/');
}
