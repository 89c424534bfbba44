import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EvidenceItem } from '../../src/model/evidence.ts';
import {
  type LegacyLayer,
  legacyAnnotations,
  legacyFromBundle,
} from '../../src/trust/attest/bundle/legacy-layers.ts';
import { signMessage, signStatement } from '../../src/trust/attest/sign.ts';
import { formatSimpleSigning } from '../../src/trust/attest/simple-signing.ts';
import { formatStatement } from '../../src/trust/attest/statement.ts';
import { judgeItem, type RawEvidence } from '../../src/trust/attest/verify/judge.ts';
import { type EvidenceLab, exampleStatement, image, openEvidenceLab } from '../evidence.ts';
import { bytesOf, loose, signed } from './tampering.ts';

const cases = 100_000;
const slowest = 1_000;
let lab: EvidenceLab;

beforeAll(async () => {
  lab = await openEvidenceLab();
});

afterAll(() => lab.sigstore.close());

/** Numbers that are the same in every run (mulberry32). */
function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof seededRandom>;

function mutateBytes(original: Buffer, random: Random): Buffer {
  const at = random(original.length);
  const bytes = Buffer.from(original);
  switch (random(6)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 1:
      bytes[at] = random(256);
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(16))]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(random(256)), bytes.subarray(at)]);
    default: {
      const [from, length] = [random(original.length), random(40)];
      original.copy(bytes, at, from, Math.min(from + length, original.length));
      return bytes;
    }
  }
}

/** Finds one base64 text inside the JSON and changes the bytes behind it, so that what is decoded is odd. */
function mutateDecoded(text: string, random: Random): string {
  const texts = [...text.matchAll(/"([A-Za-z0-9+/]{16,}={0,2})"/g)];
  const chosen = texts[random(Math.max(1, texts.length))];
  if (chosen?.[1] === undefined) return mutateBytes(Buffer.from(text), random).toString('latin1');
  const changed = mutateBytes(Buffer.from(chosen[1], 'base64'), random).toString('base64');
  return `${text.slice(0, chosen.index + 1)}${changed}${text.slice(chosen.index + 1 + chosen[1].length)}`;
}

function mutateText(text: string, random: Random): Buffer {
  return random(3) === 0 ? mutateBytes(Buffer.from(text), random) : Buffer.from(mutateDecoded(text, random));
}

/** The other annotations are for other readers and prove nothing. */
const read = new Set<string>([
  legacyAnnotations.signature,
  legacyAnnotations.certificate,
  legacyAnnotations.bundle,
  legacyAnnotations.timestamp,
]);

function mutateLayer(layer: LegacyLayer, random: Random): LegacyLayer {
  const names = Object.keys(layer.annotations).filter(key => read.has(key) && layer.annotations[key] !== '');
  const name = names[random(names.length + 1)];
  if (name === undefined) return { ...layer, bytes: mutateText(layer.bytes.toString('utf8'), random) };
  const value = mutateText(layer.annotations[name] ?? ' ', random).toString('latin1');
  return { ...layer, annotations: { ...layer.annotations, [name]: value } };
}

async function originals(): Promise<RawEvidence[]> {
  const run = await lab.run();
  const place = { ...lab.place('v1-tsa'), log: 'v1' } as const;
  const sig = await signMessage(run, formatSimpleSigning('r', image), place);
  const att = await signStatement(run, formatStatement(exampleStatement, 'v01'), place);
  const bundles = [await signed(lab, 'v1'), await signed(lab, 'v1-tsa'), await signed(lab, 'v2-tsa')];
  return [
    ...bundles.map(
      (bundle, n) => ({ id: `b${n}`, store: 'file', form: 'bundle', bytes: bytesOf(loose(bundle)) }) as const,
    ),
    { id: 'sig', store: 'sig', form: 'layer', layer: legacyFromBundle(sig.bundle, sig.issuers, undefined) },
    { id: 'att', store: 'att', form: 'layer', layer: legacyFromBundle(att.bundle, att.issuers, 'x') },
  ];
}

/** What may be believed of an item beside when it was witnessed. */
function saidBy({ signer, statement, log, payloadDigest, kind, trust }: EvidenceItem): string {
  return JSON.stringify({ signer, statement, log, payloadDigest, kind, trust });
}

/**
 * An accepted mutant says what its original says. Of several witnesses it may lack one, because a part that is
 * optional is not covered by what is signed; it never has one more.
 */
function expectNothingElse(mutant: EvidenceItem, original: EvidenceItem, name: string): void {
  expect(saidBy(mutant), name).toBe(saidBy(original));
  const witnessed = original.times.map(time => JSON.stringify(time));
  expect(witnessed, name).toEqual(expect.arrayContaining(mutant.times.map(time => JSON.stringify(time))));
  expect(mutant.times.length, name).toBeGreaterThan(0);
  expect(mutant.times.length, name).toBeLessThanOrEqual(original.times.length);
}

it(`${cases} mutated bundles and layers never crash, hang or say something that was not signed`, {
  timeout: 180_000,
}, async () => {
  const random = seededRandom(20260701);
  const items = await originals();
  const expected = lab.expect();
  const verifier = { roots: [lab.root] };
  const judgements = items.map(item => judgeItem(item, expected, verifier));
  for (const { verified } of judgements) expect(verified).toBe(true);
  let [harmless, longest] = [0, 0];
  for (let n = 0; n < cases; n++) {
    const which = n % items.length;
    const item = items[which] as RawEvidence;
    const mutant: RawEvidence =
      item.form === 'bundle'
        ? { ...item, bytes: mutateText(Buffer.from(item.bytes).toString('utf8'), random) }
        : { ...item, layer: mutateLayer(item.layer, random) };
    const start = performance.now();
    const judged = judgeItem(mutant, expected, verifier);
    longest = Math.max(longest, performance.now() - start);
    if (judged.verified) {
      harmless++;
      expectNothingElse(judged, judgements[which] as EvidenceItem, `case ${n}`);
    } else {
      expect(judged.reasons.length, `case ${n}`).toBeGreaterThan(0);
    }
  }
  expect(longest).toBeLessThan(slowest);
  // Such as spaces between fields, and the lines around a certificate.
  expect(harmless).toBeLessThan(cases / 20);
});

it('an old-form layer without its optional timestamp is still witnessed by its log, and has one time less', async () => {
  const items = await originals();
  for (const item of items) {
    if (item.form !== 'layer') continue;
    const { [legacyAnnotations.timestamp]: stamp = '', ...annotations } = item.layer.annotations;
    expect(stamp).not.toBe('');
    const without = { ...item, layer: { ...item.layer, annotations: { ...annotations, renamed: stamp } } };
    const [whole, judged] = [item, without].map(each =>
      judgeItem(each, lab.expect(), { roots: [lab.root] }),
    ) as [EvidenceItem, EvidenceItem];
    expect(judged.verified).toBe(true);
    expectNothingElse(judged, whole, item.id);
    expect(judged.times.length).toBe(whole.times.length - 1);
  }
});
