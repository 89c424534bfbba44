import type { Digest } from '../src/model/digest.ts';
import type { EvidenceReason } from '../src/model/evidence.ts';
import type { CertificateSigner } from '../src/model/identity.ts';
import { imageSignatureType, predicateTypes, statementTypes } from '../src/model/statement.ts';
import type { ComponentEvidence, GateInput, RecordedItem } from '../src/trust/policy/gate-input.ts';
import type { Policy, PolicySource } from '../src/trust/policy/policy.ts';

/** Evidence as the verifier hands it to the gate, without a verifier: for tests of what is decided from it. */
export const digest: Digest = `sha256:${'ab'.repeat(32)}`;
export const commit = '1a2b3c4d'.repeat(5);
export const repository = 'https://gitlab.com/group/app';
export const identity = {
  issuer: 'https://gitlab.com',
  subject: 'https://gitlab.com/group/app//.gitlab-ci.yml@refs/heads/main',
};
export const time = '2026-11-20T12:00:00Z';

export const signer: CertificateSigner = {
  kind: 'certificate',
  ...identity,
  subjectKind: 'uri',
  claims: {
    sourceRepositoryUri: repository,
    sourceRepositoryDigest: commit,
    buildSignerUri: identity.subject,
  },
};

export function policyOf(
  include: readonly string[] = [],
  more: Partial<Policy> = {},
  source: Partial<PolicySource> = {},
): Policy {
  const empty = { data: [], ruleData: {}, exclude: [], volatileInclude: [], volatileExclude: [] };
  const policy = ['github.com/conforma/policy//policy/release'];
  return {
    identities: [identity],
    sources: include.length === 0 ? [] : [{ policy, include, ...empty, ...source }],
    requirements: [],
    trust: { roots: [], allowLocal: false },
    ...more,
  };
}

export function componentOf(
  items: readonly RecordedItem[],
  more: Partial<ComponentEvidence> = {},
): ComponentEvidence {
  const name = 'registry.example/group/app';
  return {
    name: 'app',
    reference: `${name}@${digest}`,
    repository: name,
    digest,
    source: { url: repository, revision: commit },
    items,
    ...more,
  };
}

export function inputOf(
  items: readonly RecordedItem[],
  policy: Policy,
  more: Partial<ComponentEvidence> = {},
): GateInput {
  return { version: 1, time, policy, components: [componentOf(items, more)] };
}

let count = 0;

function itemOf(more: Partial<RecordedItem>): RecordedItem {
  count++;
  return {
    id: `referrer:sha256:${String(count).padStart(64, '0')}#0`,
    store: 'referrer',
    kind: 'signature',
    verified: true,
    trust: 'public-good',
    signer,
    times: [],
    reasons: [],
    ...more,
  };
}

export function signature(more: Partial<RecordedItem> = {}): RecordedItem {
  return itemOf({ predicateType: imageSignatureType, ...more });
}

export function attestation(
  predicateType: string,
  predicate: unknown,
  more: Partial<RecordedItem> = {},
): RecordedItem {
  const subject = [{ name: 'registry.example/group/app', digest: { sha256: digest.slice(7) } }];
  const statement = { _type: statementTypes.v1, subject, predicateType, predicate };
  return itemOf({ kind: 'attestation', predicateType, statement, ...more });
}

/** As the verifier gives what it could not prove. */
export function broken(item: RecordedItem, code: EvidenceReason['code'] = 'signature'): RecordedItem {
  const { id, store, kind } = item;
  return {
    id,
    store,
    kind,
    verified: false,
    times: [],
    reasons: [{ code, message: 'the signature does not verify' }],
  };
}

export function provenance(
  o: { uri?: string; digest?: Record<string, string>; builder?: unknown } = {},
  more: Partial<RecordedItem> = {},
): RecordedItem {
  const predicate = {
    buildDefinition: {
      buildType: 'https://example.com/gitlab/v1',
      externalParameters: {},
      resolvedDependencies: [
        { uri: o.uri ?? `git+${repository}`, digest: o.digest ?? { gitCommit: commit } },
      ],
    },
    runDetails: {
      builder: { id: o.builder ?? identity.subject },
      metadata: { finishedOn: '2026-11-19T10:00:00Z' },
    },
  };
  return attestation(predicateTypes.slsaprovenance1, predicate, more);
}

export interface ScanOptions {
  readonly finishedOn?: string;
  readonly database?: string;
  readonly findings?: readonly object[];
}

export function trivyScan(o: ScanOptions = {}, more: Partial<RecordedItem> = {}): RecordedItem {
  const result = { SchemaVersion: 2, Results: [{ Target: 'app', Vulnerabilities: o.findings ?? [] }] };
  return attestation(predicateTypes.vuln, scanPredicate('aquasecurity/trivy@0.74.0', result, o), more);
}

export function grypeScan(o: ScanOptions = {}, more: Partial<RecordedItem> = {}): RecordedItem {
  return attestation(
    predicateTypes.vuln,
    scanPredicate('anchore/grype@0.90.0', { matches: o.findings ?? [] }, o),
    more,
  );
}

function scanPredicate(
  scanner: string,
  result: unknown,
  { finishedOn = '2026-11-20T02:00:00Z', database = '2026-11-19T06:00:00Z' }: ScanOptions,
) {
  return {
    scanner: { uri: `pkg:github/${scanner}`, db: { version: `2 ${database}` }, result },
    metadata: { scanStartedOn: finishedOn, scanFinishedOn: finishedOn },
  };
}

export function spdx(more: Partial<RecordedItem> = {}, changes: object = {}): RecordedItem {
  const packages = [{ SPDXID: 'SPDXRef-image', name: 'app', versionInfo: digest }];
  const document = {
    spdxVersion: 'SPDX-2.3',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: 'app',
    dataLicense: 'CC0-1.0',
    documentNamespace: 'https://example.com/a',
    creationInfo: {},
  };
  return attestation(
    predicateTypes.spdx,
    { ...document, documentDescribes: ['SPDXRef-image'], packages, ...changes },
    more,
  );
}

export function cyclonedx(specVersion = '1.6', more: object = {}): RecordedItem {
  return attestation(predicateTypes.cyclonedx, {
    bomFormat: 'CycloneDX',
    specVersion,
    components: [],
    ...more,
  });
}
