import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { formatBundle } from '../src/trust/attest/bundle/format-bundle.ts';
import { signStatement } from '../src/trust/attest/sign.ts';
import { formatStatement } from '../src/trust/attest/statement.ts';
import { judgeItem } from '../src/trust/attest/verify/judge.ts';
import { type EvidenceLab, exampleStatement, openEvidenceLab } from '../test/evidence.ts';
import type { Row } from './row.ts';

export const name = 'verify-core';

type Variant = 'v1' | 'v1-tsa' | 'v2-tsa';
const variants = ['v1', 'v1-tsa', 'v2-tsa'] as const;
const certificates = 40;
const verifications = 1_000;
const signingBudget = 10;
const leastPerSecond = 150;
const firstBudget = 4;

/** Signing and verifying in one process, against a local Sigstore; the peer is Sigstore's JavaScript library. */
export async function run(): Promise<Row[]> {
  const lab = await openEvidenceLab();
  try {
    const signing = [];
    for (const variant of ['v1', 'v2-tsa'] as const)
      signing.push(signingRow(variant, await timeSigning(lab, variant)));
    // Neither side shall pay for the compiler in what follows.
    const warmUp = await signMany(lab, 'v2-tsa', 10);
    for (const bytes of warmUp) verify(lab, bytes);
    const peer = peerVerifier(lab);
    const verifying: Row[] = [];
    for (const variant of variants)
      verifying.push(...compare(lab, variant, await signMany(lab, variant, certificates), peer));
    return [...signing, ...verifying];
  } finally {
    await lab.sigstore.close();
  }
}

function signingRow(variant: Variant, ours: number): Row {
  return {
    what: `sign keyless, ${variant}, per statement`,
    ours,
    peer: signingBudget,
    peerName: 'budget',
    unit: 'ms',
    ratio: signingBudget / ours,
    target: 1,
    ok: ours <= signingBudget,
  };
}

function compare(
  lab: EvidenceLab,
  variant: Variant,
  bundles: readonly Buffer[],
  peer: (bytes: Buffer) => void,
): Row[] {
  const first = time(bundles.length, n => verify(lab, at(bundles, n)));
  const ours = 1000 / time(verifications, n => verify(lab, at(bundles, n)));
  const theirs = 1000 / time(certificates, n => peer(at(bundles, n)));
  const common = { peer: theirs, peerName: '@sigstore/verify', unit: 'per s' };
  return [
    {
      ...common,
      what: `verify keyless, ${variant}, certificate seen for the first time`,
      ours: 1000 / first,
      ratio: 1000 / first / theirs,
      target: 1,
      ok: first <= firstBudget,
    },
    {
      ...common,
      what: `verify keyless, ${variant}, warm`,
      ours,
      ratio: ours / theirs,
      target: 1,
      ok: ours >= leastPerSecond,
    },
  ];
}

async function timeSigning(lab: EvidenceLab, variant: Variant): Promise<number> {
  const signer = await lab.run();
  const sign = () => signStatement(signer, formatStatement(exampleStatement), lab.place(variant));
  for (let n = 0; n < 10; n++) await sign();
  const start = performance.now();
  for (let n = 0; n < 50; n++) await sign();
  return (performance.now() - start) / 50;
}

async function signMany(lab: EvidenceLab, variant: Variant, count: number): Promise<Buffer[]> {
  const bundles: Buffer[] = [];
  for (let n = 0; n < count; n++) {
    // Not checked while signing, so that the verifier meets every certificate for the first time.
    const { root: _root, ...place } = lab.place(variant);
    const { bundle } = await signStatement(await lab.run(), formatStatement(exampleStatement), place);
    bundles.push(Buffer.from(formatBundle(bundle)));
  }
  return bundles;
}

function peerVerifier(lab: EvidenceLab): (bytes: Buffer) => void {
  const trust = toTrustMaterial(TrustedRoot.fromJSON(lab.sigstore.trustedRoot));
  const verifier = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  return bytes => void verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(bytes.toString()))));
}

function verify(lab: EvidenceLab, bytes: Buffer): void {
  const item = { id: 'x', store: 'file', form: 'bundle', bytes } as const;
  const { verified, reasons } = judgeItem(item, lab.expect(), { roots: [lab.root] });
  if (!verified) throw new Error(`not verified: ${reasons[0]?.message}`);
}

/** Milliseconds per call. */
function time(count: number, use: (n: number) => void): number {
  const start = performance.now();
  for (let n = 0; n < count; n++) use(n);
  return (performance.now() - start) / count;
}

function at(bundles: readonly Buffer[], n: number): Buffer {
  return bundles[n % bundles.length] ?? Buffer.alloc(0);
}
