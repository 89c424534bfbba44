/** Who stands on whom among the images of a fleet. */
export interface ImageGraph {
  readonly names: readonly string[];
  /** From an image to those of the fleet that it is built from. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
}

export interface OrderedGraph {
  /** Every image after those that it needs. */
  readonly order: readonly string[];
  /** One circle, if there is any: its names in the order in which they need each other. */
  readonly cycle?: readonly string[];
}

/** Kahn's algorithm, without recursion: a fleet may be a chain of thousands. */
export function orderGraph({ names, needs }: ImageGraph): OrderedGraph {
  const left = new Map(names.map(name => [name, new Set(needs.get(name) ?? []).size]));
  const users = usersOf({ names, needs });
  const order: string[] = names.filter(name => left.get(name) === 0);
  for (let at = 0; at < order.length; at++) {
    for (const user of users.get(order[at] ?? '') ?? []) {
      const rest = (left.get(user) ?? 0) - 1;
      left.set(user, rest);
      if (rest === 0) order.push(user);
    }
  }
  if (order.length === names.length) return { order };
  const open = new Set(order);
  return {
    order,
    cycle: findCycle(
      names.filter(name => !open.has(name)),
      needs,
    ),
  };
}

/** From an image to those that are built from it. */
export function usersOf({ names, needs }: ImageGraph): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>(names.map(name => [name, []]));
  for (const name of names) for (const need of new Set(needs.get(name) ?? [])) users.get(need)?.push(name);
  return users;
}

/** Among images that all need one another of them, going on to any need comes back in the end. */
function findCycle(stuck: readonly string[], needs: ImageGraph['needs']): readonly string[] {
  const inside = new Set(stuck);
  const trail: string[] = [];
  const place = new Map<string, number>();
  for (let at = stuck[0]; at !== undefined; ) {
    const seen = place.get(at);
    if (seen !== undefined) return [...trail.slice(seen), at];
    place.set(at, trail.length);
    trail.push(at);
    at = needs.get(at)?.find(need => inside.has(need));
  }
  return trail;
}
