import { createHash } from 'node:crypto';
import type { EvidenceItem } from '../../../model/evidence.ts';
import { describeSigner } from '../../../model/identity.ts';
import { canonicalJson } from '../json/canonical-json.ts';
import type { Json } from '../json/strict-json.ts';

/**
 * Accepted items, the same statement of the same signer once, whichever stores and forms it was found in.
 * The two forms differ in their bytes (the statement's version, simple signing), not in what they say.
 */
export function distinctEvidence(items: readonly EvidenceItem[]): EvidenceItem[] {
  const seen = new Set<string>();
  return items.filter(item => {
    const key = meaningOf(item);
    const isNew = item.verified && !seen.has(key);
    if (isNew) seen.add(key);
    return isNew;
  });
}

function meaningOf({ kind, signer, trust, statement }: EvidenceItem): string {
  const who = signer === undefined ? '' : describeSigner(signer);
  const said = kind === 'attestation' && statement !== undefined ? digestOfSaid(statement) : '';
  return [kind, trust, who, said].join('\n');
}

function digestOfSaid({ predicateType, predicate }: NonNullable<EvidenceItem['statement']>): string {
  const said = canonicalJson({ predicateType, predicate: (predicate ?? null) as Json });
  return createHash('sha256').update(said).digest('hex');
}
