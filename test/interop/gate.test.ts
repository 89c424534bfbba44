import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gateImage } from '../../src/workflow/gate-image.ts';
import { cosign, writers } from '../cosign.ts';
import { findPeer } from '../peers.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../signing-place.ts';

const url = 'https://github.com/example/shop';
const revision = '1a2b3c4d'.repeat(5);

let bench: SigningBench;
let registry: TestRegistry;
beforeAll(async () => {
  bench = await openSigningBench();
  registry = await openTestRegistry();
  const resolvedDependencies = [{ uri: `git+${url}@refs/heads/main`, digest: { gitCommit: revision } }];
  bench.write('provenance.json', {
    buildDefinition: {
      buildType: 'https://example.com/build/v1',
      externalParameters: {},
      resolvedDependencies,
    },
    runDetails: { builder: { id: bench.identity.subject } },
  });
  const policy = ['github.com/conforma/policy//policy/release'];
  const include = ['slsa_source_correlated', 'slsa_provenance_available', 'attestation_type'];
  bench.write('policy.yaml', { identity: bench.identity, sources: [{ policy, config: { include } }] });
});
afterAll(async () => {
  await registry.stop();
  await bench.close();
});

const judge = (reference: string, expected = revision) =>
  gateImage({
    reference,
    source: { url, revision: expected },
    env: {},
    local: { folder: bench.data },
    allowLocalTrust: true,
    policy: join(bench.folder, 'policy.yaml'),
  });

describe('the gate', () => {
  for (const { version, form, flags } of writers) {
    const lacks = findPeer(version) === undefined ? ` [needs ${version}]` : '';
    it.skipIf(lacks !== '')(`judges what ${version} signed and attested: ${form}${lacks}`, async () => {
      const { reference } = await registry.image(
        `gate/${version}-${form.replace(/\W+/g, '-').toLowerCase()}`,
      );
      const common = ['--yes', '--identity-token', bench.token(), ...flags(bench)];
      const signed = await cosign(version, bench, 'sign', ...common, reference);
      expect(signed.code, signed.text).toBe(0);
      expect(await judge(reference)).toMatchObject({
        components: [{ violations: [{ code: 'builtin.attestation.signature_check' }] }],
      });
      const predicate = ['--type', 'slsaprovenance1', '--predicate', join(bench.folder, 'provenance.json')];
      const attested = await cosign(version, bench, 'attest', ...common, ...predicate, reference);
      expect(attested.code, attested.text).toBe(0);
      const allowed = await judge(reference);
      expect(allowed.components[0]?.violations).toEqual([]);
      expect(allowed.decision).toBe('allow');
      expect(await judge(reference, 'f'.repeat(40))).toMatchObject({
        decision: 'deny',
        components: [{ violations: [{ code: 'slsa_source_correlated.expected_source_code_reference' }] }],
      });
    });
  }
});
