import { type ImageGraph, orderGraph, usersOf } from './graph.ts';

/** Why an image is rebuilt. */
export type RebuildCause =
  /** A base that others build has another digest that may be used. */
  | { readonly kind: 'base'; readonly base: string; readonly from?: string; readonly to: string }
  /** An image of the fleet that it is built from has been rebuilt, or will be. */
  | { readonly kind: 'image'; readonly image: string };

export interface CascadeImage {
  readonly name: string;
  readonly causes: readonly RebuildCause[];
  readonly autoRebuild: boolean;
  /** Milliseconds between two rebuilds. */
  readonly rebuildDelay: number;
  readonly lastBuilt?: string;
}

export interface PlannedRebuild {
  readonly name: string;
  readonly causes: readonly RebuildCause[];
  readonly dueAt: string;
  readonly autoRebuild: boolean;
}

export interface Wave {
  readonly wave: number;
  readonly images: readonly PlannedRebuild[];
}

/** Every image with a cause, and all that stand on it, each in the first wave after those that it needs. */
export function arrangeWaves(images: readonly CascadeImage[], graph: ImageGraph, now: Date): readonly Wave[] {
  const { order } = orderGraph(graph);
  const users = usersOf(graph);
  const byName = new Map(images.map(image => [image.name, image]));
  const level = new Map<string, number>();
  const due = new Map<string, number>();
  const causes = new Map<string, RebuildCause[]>();
  for (const name of order) {
    const image = byName.get(name);
    if (image === undefined) continue;
    const inherited = causes.get(name) ?? [];
    if (image.causes.length === 0 && inherited.length === 0) continue;
    causes.set(name, [...image.causes, ...inherited]);
    const at = level.get(name) ?? 0;
    const ready = Math.max(now.getTime(), due.get(name) ?? 0, earliest(image));
    level.set(name, at);
    due.set(name, ready);
    for (const user of users.get(name) ?? []) {
      level.set(user, Math.max(level.get(user) ?? 0, at + 1));
      due.set(user, Math.max(due.get(user) ?? 0, ready));
      const known = causes.get(user);
      if (known === undefined) causes.set(user, [{ kind: 'image', image: name }]);
      else known.push({ kind: 'image', image: name });
    }
  }
  const waves: PlannedRebuild[][] = [];
  for (const [name, all] of causes) {
    const image = byName.get(name);
    if (image === undefined) continue;
    (waves[level.get(name) ?? 0] ??= []).push({
      name,
      causes: all,
      dueAt: timestamp(due.get(name) ?? now.getTime()),
      autoRebuild: image.autoRebuild,
    });
  }
  return waves.map((planned, wave) => ({ wave: wave + 1, images: planned.toSorted(byNameOrder) }));
}

function earliest({ lastBuilt, rebuildDelay }: CascadeImage): number {
  return lastBuilt === undefined ? 0 : Date.parse(lastBuilt) + rebuildDelay;
}

function byNameOrder(a: PlannedRebuild, b: PlannedRebuild): number {
  return a.name < b.name ? -1 : 1;
}

function timestamp(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
