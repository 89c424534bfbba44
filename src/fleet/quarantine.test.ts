import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ledger, observe, observePin, trimHistory } from './ledger.ts';
import { decideQuarantine, type QuarantineInput } from './quarantine.ts';

const hour = 3_600_000;
const at = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * hour);
const stamp = (hours: number) => at(hours).toISOString().replace('.000Z', 'Z');
const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;

/** What a tag served, hour by hour. */
function ledgerOf(sights: readonly (readonly [number, number])[]): Ledger {
  return sights.reduce<Ledger>((ledger, [hours, n]) => observe(ledger, digest(n), stamp(hours)).ledger, {
    history: [],
  });
}

function decide(ledger: Ledger, hours: number, o: Partial<QuarantineInput> & { window?: number } = {}) {
  const { window = 48, ...rest } = o;
  return decideQuarantine({
    ...ledger,
    rule: { window: window * hour, select: 'newest-eligible', deny: [] },
    pins: [],
    now: at(hours),
    ...rest,
  });
}

describe('quarantine', () => {
  it('waits from our own first sight, to the second', () => {
    const ledger = ledgerOf([[0, 1]]);
    expect(decide(ledger, 1)).toMatchObject({ outcome: 'waiting', eligibleAt: stamp(48) });
    expect(decide(ledger, 47.999)).toMatchObject({ outcome: 'waiting' });
    expect(decide(ledger, 48)).toMatchObject({ outcome: 'eligible', digest: digest(1) });
    expect(decide(ledger, 0, { window: 0 })).toMatchObject({ outcome: 'eligible' });
  });

  it('believes no date that the publisher claims', () => {
    const { ledger } = observe({ history: [] }, digest(1), stamp(0), '1970-01-01T00:00:00Z');
    expect(decide(ledger, 1)).toMatchObject({ outcome: 'waiting' });
  });

  it('holds what was replaced soon after it came, while it is younger than two windows', () => {
    const ledger = ledgerOf([
      [0, 1],
      [2, 2],
    ]);
    expect(decide(ledger, 49)).toMatchObject({ outcome: 'waiting', holds: [{ reason: 'short-lived' }] });
    expect(decide(ledger, 60)).toMatchObject({ outcome: 'eligible', digest: digest(2) });
  });

  it('holds what the publisher took away by going back', () => {
    const ledger = ledgerOf([
      [0, 1],
      [100, 2],
      [150, 1],
    ]);
    expect(decide(ledger, 400, { pins: [digest(1)] })).toMatchObject({
      outcome: 'held',
      reason: 'withdrawn',
      digest: digest(2),
    });
  });

  it('holds denied and lost digests, and takes the next one', () => {
    const ledger = ledgerOf([
      [0, 1],
      [100, 2],
      [200, 3],
    ]);
    const lost = [{ digest: digest(3), reason: 'withdrawn' as const }];
    const rule = { window: 48 * hour, select: 'newest-eligible' as const, deny: [digest(2)] };
    expect(decide(ledger, 500, { rule, lost })).toMatchObject({ outcome: 'eligible', digest: digest(1) });
  });

  it('says starved when only what the tag serves counts and it never gets old', () => {
    const ledger = ledgerOf([0, 24, 48, 72, 96].map((hours, n) => [hours, n] as const));
    const rule = { window: 48 * hour, select: 'current' as const, deny: [] };
    expect(decide(ledger, 97, { rule })).toMatchObject({ outcome: 'starved', days: 4 });
    expect(decide(ledger, 97)).toMatchObject({ outcome: 'eligible', digest: digest(2) });
  });

  it('lets what the tag serves follow a pin that it never saw', () => {
    const ledger = observePin(ledgerOf([[0, 1]]), digest(9), stamp(10));
    expect(decide(ledger, 47, { pins: [digest(9)] })).toMatchObject({ outcome: 'waiting' });
    expect(decide(ledger, 48, { pins: [digest(9)] })).toMatchObject({
      outcome: 'eligible',
      digest: digest(1),
    });
  });

  it('never goes back, is never younger than the window, and takes the newest that is neither', () => {
    const sights = fc
      .array(fc.record({ gap: fc.integer({ min: 1, max: 100 }), n: fc.integer({ min: 1, max: 12 }) }), {
        minLength: 1,
        maxLength: 25,
      })
      .map(steps => {
        let hours = 0;
        return steps.map(({ gap, n }) => [(hours += gap), n] as const);
      });
    fc.assert(
      fc.property(
        sights,
        fc.integer({ min: 0, max: 200 }),
        fc.nat(400),
        fc.nat(12),
        (seen, window, later, pin) => {
          const ledger = ledgerOf(seen);
          const now = (seen.at(-1)?.[0] ?? 0) + later;
          const pins = ledger.history.some(entry => entry.digest === digest(pin)) ? [digest(pin)] : [];
          const result = decide(ledger, now, { window, pins });
          const floor = pins.length === 0 ? -1 : (seen.find(([, n]) => n === pin)?.[0] ?? -1);
          const held = new Set(result.holds.map(hold => hold.digest));
          const allowed = ledger.history.filter(entry => {
            const first = (Date.parse(entry.observedAt) - at(0).getTime()) / hour;
            return first > floor && now - first >= window && !held.has(entry.digest);
          });
          expect(result.outcome === 'eligible' ? result.digest : undefined).toBe(allowed[0]?.digest);
        },
      ),
      { seed: 11, numRuns: 3000 },
    );
  });
});

describe('the ledger', () => {
  it('is the same object when a sight adds nothing, and keeps the first sight for ever', () => {
    const ledger = ledgerOf([
      [0, 1],
      [5, 2],
      [9, 1],
    ]);
    expect(observe(ledger, digest(1), stamp(20)).ledger).toBe(ledger);
    expect(ledger.history.find(entry => entry.digest === digest(1))?.observedAt).toBe(stamp(0));
  });

  it('forgets no entry that a consumer may still wait for or stand on', () => {
    const ledger = ledgerOf(Array.from({ length: 60 }, (_, n) => [n * 24, n] as const));
    const kept = trimHistory(ledger, 48 * hour, at(60 * 24), new Set([digest(3)])).history.map(
      entry => entry.digest,
    );
    expect(kept).toEqual([...Array.from({ length: 10 }, (_, n) => digest(59 - n)), digest(3)]);
    expect(trimHistory(ledger, 60 * 24 * hour, at(60 * 24), new Set()).history).toHaveLength(60);
  });
});
