import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../../ground/fault/fault.ts';
import type { Advisory } from '../advisory.ts';
import { IndexBuilder } from './build-index.ts';
import { hashKey } from './layout.ts';
import { openIndexBytes } from './open-index.ts';

const origin = { lineage: ['test'], builtAt: '2026-01-01T00:00:00.000Z', sources: [] };

function build(advisories: readonly Advisory[]): Buffer {
  const builder = new IndexBuilder();
  for (const advisory of advisories) {
    builder.advisory(advisory);
    builder.vulnerability({
      id: advisory.id,
      aliases: [`A-${advisory.id}`],
      severity: 'high',
      details: { title: `of ${advisory.id}` },
    });
  }
  return builder.build(origin);
}

const one: Advisory = {
  feed: 'debian:12',
  package: 'openssl',
  id: 'CVE-2024-0001',
  status: 'fixed',
  severity: 'low',
  source: 'debian',
  ranges: [{ fixed: '3.0.15-1' }, { introduced: '3.1', lastAffected: '3.2' }, { after: '4' }],
  unaffected: [{ introduced: '3.0.10' }],
  versions: ['3.0.1', '3.0.2'],
  bundles: ['DSA-1'],
  arches: ['amd64'],
  module: 'nodejs:18',
  products: [3, 300_000],
};

describe('an index', () => {
  it('gives back what was put in', () => {
    const index = openIndexBytes(build([one]));
    const [found] = index.find('debian:12', 'openssl');
    const { feed: _feed, package: _package, id: _id, ...rest } = one;
    expect(found).toMatchObject(rest);
    expect(found?.vulnerability).toMatchObject({ id: one.id, aliases: [`A-${one.id}`], severity: 'high' });
    expect(found && index.details(found.vulnerability)).toEqual({ title: `of ${one.id}` });
    expect(index.description).toMatchObject({ ...origin, feeds: { 'debian:12': 1 }, advisories: 1 });
    expect([index.has('debian:12'), index.has('debian:11'), index.has('toString')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('knows nothing about packages that hash alike or are not there', () => {
    const names = Array.from({ length: 3_000 }, (_, at) => `package-${at}`);
    const index = openIndexBytes(build(names.slice(0, 1_500).map(name => ({ ...one, package: name }))));
    const wrong = names.filter((name, at) => index.find('debian:12', name).length > 0 !== at < 1_500);
    expect(wrong).toEqual([]);
    expect(hashKey('debian:12|ü')).not.toBe(hashKey('debian:12|u'));
  });

  it('is the same bytes whatever the order was, and however often something was said', () => {
    const advisories = Array.from({ length: 50 }, (_, at) => ({
      ...one,
      package: `p${at % 7}`,
      id: `CVE-2024-${1_000 + at}`,
    }));
    expect(build(advisories.toReversed()).equals(build(advisories))).toBe(true);
    expect(build([...advisories, ...advisories]).equals(build(advisories))).toBe(true);
  });

  it('holds any texts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), { maxLength: 20 }),
        pairs => {
          const clean = pairs.map(
            ([name, version]) => [name.toWellFormed(), version.toWellFormed()] as const,
          );
          const index = openIndexBytes(
            build(clean.map(([name, version]) => ({ ...one, package: name, ranges: [{ fixed: version }] }))),
          );
          for (const [name, version] of clean) {
            expect(index.find('debian:12', name).some(({ ranges }) => ranges[0]?.fixed === version)).toBe(
              true,
            );
          }
        },
      ),
      { seed: 3, numRuns: 100 },
    );
  });

  it('that was cut short, made longer or is something else is refused', () => {
    const whole = build([one]);
    for (const bytes of [
      Buffer.alloc(0),
      whole.subarray(0, 40),
      whole.subarray(0, -1),
      Buffer.concat([whole, Buffer.alloc(4)]),
      Buffer.from('{}'.repeat(100)),
    ]) {
      expect(() => openIndexBytes(Buffer.from(bytes))).toThrow(
        expect.objectContaining({ code: 'CONTENT_INVALID' }),
      );
    }
  });

  it('whose header, tables or numbers lie ends in a fault, never in a crash or a hang', () => {
    const whole = build(
      Array.from({ length: 30 }, (_, at) => ({ ...one, package: `p${at}`, id: `CVE-2024-${1_000 + at}` })),
    );
    const mutation = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(mutation, changes => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          const index = openIndexBytes(bytes);
          for (let at = 0; at < 30; at++) {
            for (const { vulnerability } of index.find('debian:12', `p${at}`)) index.details(vulnerability);
          }
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          expect(error.code).toBe('CONTENT_INVALID');
        }
      }),
      { seed: 5, numRuns: 3_000 },
    );
  });
});
