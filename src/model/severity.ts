/** Six levels, lowest first; Grype's `negligible` is one of them, Trivy has five. */
export const severities = ['unknown', 'negligible', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

const words: Readonly<Record<string, Severity>> = {
  ...Object.fromEntries(severities.map(level => [level, level])),
  moderate: 'medium',
  important: 'high',
  none: 'negligible',
  unimportant: 'low',
  'not yet assigned': 'unknown',
};

export function severityRank(severity: Severity): number {
  return severities.indexOf(severity);
}

export function severityAt(rank: number): Severity {
  return severities[rank] ?? 'unknown';
}

/** From the word of any vendor; what nobody knows is unknown, which is not the same as harmless. */
export function readSeverity(word: string | undefined): Severity {
  return words[word?.trim().toLowerCase() ?? ''] ?? 'unknown';
}

export function highestSeverity(levels: readonly Severity[]): Severity {
  return levels.reduce<Severity>(
    (best, level) => (severityRank(level) > severityRank(best) ? level : best),
    'unknown',
  );
}
