import { hexOf } from '../../../model/digest.ts';
import type { IdentityPattern, Signer } from '../../../model/identity.ts';
import { matchesWholePattern } from '../../../model/linear-pattern.ts';
import { imageSignatureType, predicateTypes, statementTypes } from '../../../model/statement.ts';
import type { ScanFinding } from '../evidence/scans.ts';
import type { ComponentEvidence, RecordedItem } from '../gate-input.ts';
import type { Policy } from '../policy.ts';
import { trustedBuilders } from '../rules/builders.ts';

/** Evidence as it would be if somebody made it. Nobody signed it: it stands behind the verifier, and says so. */
export interface Maker {
  readonly policy: Policy;
  readonly component: ComponentEvidence;
  readonly time: string;
  readonly by: IdentityPattern | 'key';
}

/** Whom the policy expects, as somebody in particular: of a pattern, whoever is simple to think of and matches it. */
export function expectedMaker(
  policy: Policy,
  identities: readonly IdentityPattern[] = policy.identities,
): IdentityPattern | 'key' | undefined {
  for (const one of identities) {
    const issuer = one.issuer ?? sampleOf(one.issuerRegExp);
    const subject = one.subject ?? sampleOf(one.subjectRegExp);
    if (issuer !== undefined && subject !== undefined) return { ...one, issuer, subject };
  }
  return identities.length === 0 && policy.publicKey !== undefined ? 'key' : undefined;
}

export function nameOfMaker(by: IdentityPattern | 'key'): string {
  if (by === 'key') return 'the holder of the key';
  return by.subjectRegExp === undefined ? (by.subject ?? '') : `somebody who matches ${by.subjectRegExp}`;
}

/** A text that a simple pattern matches; undefined when what was guessed does not match after all. */
function sampleOf(pattern: string | undefined): string | undefined {
  if (pattern === undefined) return undefined;
  const parts = /\\d[+*]?|\[0-9\][+*]?|\[[^\]]*\][+*]?|\.[+*]|\\.|[^]/g;
  const sample = pattern.replace(/^\^|\$$/g, '').replace(parts, part => {
    if (/^(?:\\d|\[0-9\])/.test(part)) return '1';
    if (/^(?:\[.*\]|\.[+*])/.test(part)) return 'x';
    return part.length === 2 && part.startsWith('\\') ? part.slice(1) : part;
  });
  return matchesWholePattern(pattern, sample) ? sample : undefined;
}

export function simulateSignature(maker: Maker): RecordedItem {
  return { ...base(maker, 'signature'), kind: 'signature', predicateType: imageSignatureType };
}

export function simulateProvenance(maker: Maker): RecordedItem {
  const { source } = maker.component;
  return simulateAttestation(maker, predicateTypes.slsaprovenance1, {
    buildDefinition: {
      buildType: 'https://cascadeguard.dev/simulated/v1',
      externalParameters: {},
      resolvedDependencies: [
        ...(source === undefined
          ? []
          : [{ uri: `git+${source.url}`, digest: { gitCommit: source.revision } }]),
        ...(maker.component.base?.name === undefined
          ? []
          : [{ uri: 'pkg:oci/base', digest: { sha256: '0'.repeat(64) } }]),
      ],
    },
    runDetails: { builder: { id: builderFor(maker) } },
  });
}

export function simulateScan(
  maker: Maker,
  scanner: string,
  findings: readonly ScanFinding[] = [],
): RecordedItem {
  const { time } = maker;
  return simulateAttestation(maker, predicateTypes.vuln, {
    scanner: {
      uri: `pkg:github/simulated/${scanner}`,
      db: { version: time },
      result: {
        findings: findings.map(toReported),
      },
    },
    metadata: { scanStartedOn: time, scanFinishedOn: time },
  });
}

function toReported({ id, severity, package: name, version, fixedIn, inherited }: ScanFinding): object {
  return {
    id,
    effective: { severity },
    pkg: { name, version, ...(inherited !== undefined && { layer: { inherited } }) },
    fix: { versions: fixedIn === undefined ? [] : [fixedIn] },
  };
}

export function simulateSpdx(maker: Maker): RecordedItem {
  const { digest } = maker.component;
  return simulateAttestation(maker, predicateTypes.spdx, {
    spdxVersion: 'SPDX-2.3',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: 'simulated',
    dataLicense: 'CC0-1.0',
    documentNamespace: 'https://cascadeguard.dev/simulated',
    creationInfo: {},
    documentDescribes: ['SPDXRef-image'],
    packages: [
      {
        SPDXID: 'SPDXRef-image',
        name: 'image',
        checksums: [{ algorithm: 'SHA256', checksumValue: digest === undefined ? '' : hexOf(digest) }],
      },
    ],
  });
}

export function simulateCycloneDx(maker: Maker): RecordedItem {
  return simulateAttestation(maker, predicateTypes.cyclonedx, {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    components: [],
  });
}

export function simulateAttestation(maker: Maker, predicateType: string, predicate: unknown): RecordedItem {
  const { digest } = maker.component;
  const subject = [
    { name: maker.component.repository, digest: digest === undefined ? {} : { sha256: hexOf(digest) } },
  ];
  return {
    ...base(maker, predicateType),
    kind: 'attestation',
    predicateType,
    statement: { _type: statementTypes.v1, subject, predicateType, predicate },
  };
}

function base(maker: Maker, what: string): Omit<RecordedItem, 'kind'> {
  const trust = maker.by === 'key' ? 'key:simulated' : trustFor(maker.policy);
  return {
    id: `simulated:${what}`,
    store: 'referrer',
    verified: true,
    trust,
    signer: signerFor(maker),
    times: [],
    reasons: [],
    simulated: true,
  };
}

function trustFor({ trust }: Policy): string {
  if (trust.allowLocal) return 'local:simulated';
  return trust.only?.[0] ?? 'public-good';
}

function signerFor(maker: Maker): Signer {
  const { by, component } = maker;
  if (by === 'key') return { kind: 'key', keyId: 'simulated' };
  const { source } = component;
  return {
    kind: 'certificate',
    issuer: by.issuer ?? '',
    subject: by.subject ?? '',
    subjectKind: 'uri',
    claims: {
      ...(source !== undefined && {
        sourceRepositoryUri: source.url,
        sourceRepositoryDigest: source.revision,
      }),
      buildSignerUri: builderFor(maker),
      ...by.claims,
    },
  };
}

function builderFor({ policy, by }: Maker): string {
  const ruleData =
    policy.sources.map(source => source.ruleData).find(data => Object.hasOwn(data, 'allowed_builder_ids')) ??
    {};
  const [trusted] = trustedBuilders({ policy, ruleData });
  return (
    trusted ??
    (by === 'key'
      ? 'https://cascadeguard.dev/simulated'
      : (by.subject ?? 'https://cascadeguard.dev/simulated'))
  );
}
