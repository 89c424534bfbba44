import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatBundle } from '../../src/trust/attest/bundle/format-bundle.ts';
import { type EvidenceLab, openEvidenceLab } from '../evidence.ts';
import { flip, loose, signed } from './tampering.ts';

let lab: EvidenceLab;
beforeAll(async () => {
  lab = await openEvidenceLab();
});
afterAll(() => lab.sigstore.close());

function verifyElsewhere(json: unknown): unknown {
  const root = TrustedRoot.fromJSON(lab.sigstore.trustedRoot);
  const verifier = new Verifier(toTrustMaterial(root), {
    tlogThreshold: 1,
    ctlogThreshold: 1,
    timestampThreshold: 1,
  });
  return verifier.verify(toSignedEntity(bundleFromJSON(json)));
}

it.each(['v1', 'v1-tsa', 'v2-tsa'] as const)(
  'the JavaScript library of Sigstore agrees with us on %s',
  async variant => {
    const bundle = await signed(lab, variant);
    expect(verifyElsewhere(JSON.parse(formatBundle(bundle)))).toBeDefined();
    const changed = loose(bundle);
    changed.dsseEnvelope.payload = flip(changed.dsseEnvelope.payload);
    expect(() => verifyElsewhere(changed)).toThrow();
  },
);
