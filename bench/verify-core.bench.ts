import { formatBundle } from '../src/trust/attest/bundle/format-bundle.ts';
import { signStatement } from '../src/trust/attest/sign.ts';
import { formatStatement } from '../src/trust/attest/statement.ts';
import { judgeItem } from '../src/trust/attest/verify/judge.ts';
import { type EvidenceLab, exampleStatement, openEvidenceLab } from '../test/evidence.ts';

interface Row {
  readonly what: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: string;
  readonly ratio: number;
  readonly target: number;
  readonly ok: boolean;
}

export const name = 'verify-core';

type Variant = 'v1' | 'v1-tsa' | 'v2-tsa';
const verifications = 1_000;
const certificates = 50;

/** Signing and verifying in one process, against a local Sigstore on the loopback interface. */
export async function run(): Promise<Row[]> {
  const lab = await openEvidenceLab();
  try {
    const rows: Row[] = [];
    for (const variant of ['v1', 'v2-tsa'] as const) {
      const milliseconds = await timeSigning(lab, variant);
      rows.push(row(`keyless sign, ${variant}, per statement`, milliseconds, 10, 'ms', milliseconds <= 10));
    }
    for (const variant of ['v1', 'v1-tsa', 'v2-tsa'] as const) {
      const bundles = await signMany(lab, variant);
      const fresh = timeFirst(lab, bundles);
      rows.push(row(`keyless verify, ${variant}, certificate never seen`, fresh, 4, 'ms', fresh <= 4));
      const perSecond = timeAll(lab, bundles);
      rows.push(row(`keyless verify, ${variant}, warm`, perSecond, 150, 'per s', perSecond >= 150));
    }
    return rows;
  } finally {
    await lab.sigstore.close();
  }
}

function row(what: string, ours: number, target: number, unit: string, ok: boolean): Row {
  const rounded = Math.round(ours * 100) / 100;
  return { what, ours: rounded, peer: target, peerName: 'target', unit, ratio: rounded / target, target, ok };
}

async function timeSigning(lab: EvidenceLab, variant: Variant): Promise<number> {
  const signer = await lab.run();
  const sign = () => signStatement(signer, formatStatement(exampleStatement), lab.place(variant));
  for (let n = 0; n < 5; n++) await sign();
  const start = performance.now();
  for (let n = 0; n < 50; n++) await sign();
  return (performance.now() - start) / 50;
}

async function signMany(lab: EvidenceLab, variant: Variant): Promise<Buffer[]> {
  const bundles: Buffer[] = [];
  for (let n = 0; n < certificates; n++) {
    // Not checked while signing, so that the verifier meets every certificate for the first time.
    const { root: _root, ...place } = lab.place(variant);
    const { bundle } = await signStatement(await lab.run(), formatStatement(exampleStatement), place);
    bundles.push(Buffer.from(formatBundle(bundle)));
  }
  return bundles;
}

function timeFirst(lab: EvidenceLab, bundles: readonly Buffer[]): number {
  const start = performance.now();
  for (const bytes of bundles) verify(lab, bytes);
  return (performance.now() - start) / bundles.length;
}

function timeAll(lab: EvidenceLab, bundles: readonly Buffer[]): number {
  const start = performance.now();
  for (let n = 0; n < verifications; n++) verify(lab, bundles[n % bundles.length] ?? Buffer.alloc(0));
  return verifications / ((performance.now() - start) / 1000);
}

function verify(lab: EvidenceLab, bytes: Buffer): void {
  const item = judgeItem({ id: 'x', store: 'file', form: 'bundle', bytes }, lab.expect(), {
    roots: [lab.root],
  });
  if (!item.verified) throw new Error(`not verified: ${item.reasons[0]?.message}`);
}
