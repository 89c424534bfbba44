import type { Finding, ScanReport } from '../../../model/finding.ts';

/** A rule that did not pass, and about what. */
export interface ScanReason {
  readonly digest: string;
  readonly rule: string;
  readonly reason: string;
}

export function reasonsOf(digest: string, { verdict, findings }: ScanReport): readonly ScanReason[] {
  return verdict.rules
    .filter(({ result }) => result !== 'pass')
    .map(({ id, reason, findings: keys }) => ({
      digest,
      rule: id,
      reason: describe(reason, findings, keys),
    }));
}

const mostNamed = 5;

function describe(reason: string | undefined, all: readonly Finding[], keys: readonly string[]): string {
  const named = all
    .filter(({ key }) => keys.includes(key))
    .map(({ id, pkg, effective }) => `${id} (${effective.severity}) in ${pkg.name} ${pkg.version}`);
  const shown = named.slice(0, mostNamed).join('; ');
  const more = named.length > mostNamed ? ` and ${named.length - mostNamed} more` : '';
  return [reason, shown + more].filter(text => text !== undefined && text !== '').join(': ');
}
