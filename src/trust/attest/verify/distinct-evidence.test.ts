import { expect, it } from 'vitest';
import type { EvidenceItem } from '../../../model/evidence.ts';
import { distinctEvidence } from './distinct-evidence.ts';

const signer = { kind: 'key', keyId: 'ab' } as const;
const statement = { _type: 'v1', subject: [], predicateType: 'https://a', predicate: { b: 1, c: [2] } };

function item(id: string, more: Partial<EvidenceItem> = {}): EvidenceItem {
  return {
    id,
    store: 'referrer',
    kind: 'attestation',
    verified: true,
    times: [],
    reasons: [],
    trust: 't',
    signer,
    statement,
    ...more,
  };
}

it('counts a statement once that both stores hold in different bytes', () => {
  const older = { ...statement, _type: 'v0.1', predicate: { c: [2], b: 1 } };
  const items = [item('a'), item('b', { store: 'att', statement: older })];
  expect(distinctEvidence(items).map(({ id }) => id)).toEqual(['a']);
});

it('counts other statements, signers, roots and kinds apart, and rejected items not at all', () => {
  const items = [
    item('a'),
    item('b', { statement: { ...statement, predicate: { b: 2 } } }),
    item('c', { signer: { kind: 'key', keyId: 'cd' } }),
    item('d', { trust: 'other' }),
    item('e', { kind: 'signature' }),
    item('f', { kind: 'signature', store: 'sig' }),
    item('g', { verified: false, statement: { ...statement, predicateType: 'https://g' } }),
  ];
  expect(distinctEvidence(items).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd', 'e']);
});
