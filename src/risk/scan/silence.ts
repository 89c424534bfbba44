import type { EngineRun } from './engine.ts';

export interface Silence {
  readonly engine: string;
  readonly detail: string;
}

/** From here on nothing at all is strange where somebody else has so many. */
const many = 10;
/** Below this a number may halve by itself. */
const few = 4;

/** How many findings each engine had, by engine and database: another database may well know less. */
export function countFindings(runs: readonly EngineRun[]): ReadonlyMap<string, number> {
  return new Map(
    runs.flatMap(({ id, outcome }) =>
      outcome.status === 'ok'
        ? [[`${id} ${outcome.report.lineage.join('+')}`, outcome.report.findings.length] as const]
        : [],
    ),
  );
}

/** An engine that suddenly says much less than before, or nothing where others say much, is broken until looked at. */
export function findSilences(
  runs: readonly EngineRun[],
  previous: Readonly<Record<string, number>>,
): readonly Silence[] {
  const counts = countFindings(runs);
  return [...counts].flatMap(([key, count]) => {
    const engine = nameOf(key);
    const before = Object.hasOwn(previous, key) ? (previous[key] ?? 0) : 0;
    if (before >= few && count < before / 2) {
      return [{ engine, detail: `has ${count} findings where it had ${before} for the same image` }];
    }
    const [loudest] = [...counts].filter(([other]) => other !== key).toSorted((a, b) => b[1] - a[1]);
    if (count === 0 && loudest !== undefined && loudest[1] >= many) {
      return [{ engine, detail: `has none where ${nameOf(loudest[0])} has ${loudest[1]}` }];
    }
    return [];
  });
}

function nameOf(key: string): string {
  return key.split(' ')[0] ?? key;
}
