import type { Claim } from '../../../model/finding.ts';
import { type Severity, severityRank } from '../../../model/severity.ts';
import { isSystemType } from '../../advisories/feeds.ts';

/** Who is believed before whom: the distributor of the package, then who manages the advisory, then the NVD. */
const order: readonly (readonly [RegExp, string])[] = [
  [/^(?:ghsa|github|go|govulndb|rustsec|rubysec|pysec|cna)/i, 'the advisory'],
  [/^nvd/i, 'the NVD'],
];

/** One severity out of all claims, with who decided it. */
export function decideSeverity(
  claims: readonly Claim[],
  type: string,
): { readonly severity: Severity; readonly reason: string } {
  const known = claims.filter(({ severity }) => severity !== 'unknown');
  if (known.length === 0) return { severity: 'unknown', reason: 'nobody rated it' };
  const best = Math.min(...known.map(claim => rank(claim, type)));
  const decisive = known
    .filter(claim => rank(claim, type) === best)
    .reduce((worst, claim) => (severityRank(claim.severity) > severityRank(worst.severity) ? claim : worst));
  return {
    severity: decisive.severity,
    reason: `${decisive.source ?? 'unnamed source'}, says ${decisive.engine}`,
  };
}

function rank({ source = '', confidence }: Claim, type: string): number {
  const place = order.findIndex(([pattern]) => pattern.test(source));
  const isVendor = place === -1 && source !== '' && isSystemType(type) && source !== 'osv';
  return (isVendor ? 0 : place === -1 ? order.length + 1 : place + 1) + (confidence === 'low' ? 10 : 0);
}
