import type { Severity } from '../../model/severity.ts';

const weights: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  AV: { N: 0.85, A: 0.62, L: 0.55, P: 0.2 },
  AC: { L: 0.77, H: 0.44 },
  UI: { N: 0.85, R: 0.62 },
  C: { H: 0.56, L: 0.22, N: 0 },
  I: { H: 0.56, L: 0.22, N: 0 },
  A: { H: 0.56, L: 0.22, N: 0 },
};
const privileges = { U: { N: 0.85, L: 0.62, H: 0.27 }, C: { N: 0.85, L: 0.68, H: 0.5 } } as const;

/** The base score of a CVSS 3.0 or 3.1 vector (specification 3.1, section 7.1); undefined for what is none. */
export function scoreCvss3(vector: string): number | undefined {
  const metrics = new Map(vector.split('/').map(part => part.split(':', 2) as [string, string]));
  const weight = (name: string): number => weights[name]?.[metrics.get(name) ?? ''] ?? Number.NaN;
  const scope = metrics.get('S') as 'U' | 'C' | undefined;
  if (!/^3\.[01]$/.test(metrics.get('CVSS') ?? '') || (scope !== 'U' && scope !== 'C')) return undefined;
  const privilege = privileges[scope][metrics.get('PR') as 'N' | 'L' | 'H'] ?? Number.NaN;
  const base = 1 - (1 - weight('C')) * (1 - weight('I')) * (1 - weight('A'));
  const impact = scope === 'U' ? 6.42 * base : 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15;
  const exploitability = 8.22 * weight('AV') * weight('AC') * privilege * weight('UI');
  const sum = (scope === 'U' ? 1 : 1.08) * (impact + exploitability);
  if (Number.isNaN(sum)) return undefined;
  return impact <= 0 ? 0 : roundUp(Math.min(sum, 10));
}

/** Appendix A: up to one decimal, on integers, so that floating point does not decide. */
function roundUp(value: number): number {
  const integer = Math.round(value * 100_000);
  return integer % 10_000 === 0 ? integer / 100_000 : (Math.floor(integer / 10_000) + 1) / 10;
}

export function severityOfScore(score: number): Severity {
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'negligible';
}
