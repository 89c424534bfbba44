import type { EvidenceReason } from '../../model/evidence.ts';
import { describePattern, describeSigner } from '../../model/identity.ts';
import type { RuleReport, RuleResult } from '../../model/verdict.ts';
import { judgeAnew } from './evidence/accept.ts';
import { problemsOfProvenance, provenanceOf } from './evidence/provenance.ts';
import type { RecordedItem } from './gate-input.ts';
import type { Subject } from './rule.ts';

/** What the checks that no list switches off have found. */
export interface BuiltIn {
  readonly violations: readonly RuleResult[];
  readonly successes: readonly RuleResult[];
  readonly rules: readonly RuleReport[];
}

type Check = {
  readonly code: string;
  readonly examined: number;
  readonly problem?: Omit<RuleResult, 'code'>;
};

export const builtInCodes = {
  accessible: 'builtin.image.accessible',
  signature: 'builtin.image.signature_check',
  attestation: 'builtin.attestation.signature_check',
  syntax: 'builtin.attestation.syntax_check',
} as const;

/** Signed by the right one, attested by the right one, and what is attested is well-formed. */
export function checkBuiltIn(subject: Subject): BuiltIn {
  const { skip } = subject.policy;
  const checks = [
    ...(skip?.signature === true ? [] : [checkSignature(subject)]),
    ...(skip?.attestation === true ? [] : [checkAttestations(subject)]),
  ];
  // Without attestations there is no syntax to check, and one sentence about that is enough.
  if (checks.every(({ problem }) => problem === undefined)) checks.push(checkSyntax(subject));
  return {
    violations: checks.flatMap(({ code, problem }) => (problem === undefined ? [] : [{ code, ...problem }])),
    successes: checks.flatMap(({ code, problem }) =>
      problem === undefined ? [{ code, message: 'Pass', evidence: [] }] : [],
    ),
    rules: checks.map(({ code, examined, problem }) => ({
      code,
      examined,
      status: problem === undefined ? 'pass' : 'fail',
    })),
  };
}

function checkSignature({ signatures, component, policy }: Subject): Check {
  const code = builtInCodes.signature;
  const found = component.items.filter(item => item.kind === 'signature' || couldBeEither(item));
  if (signatures.length > 0) return { code, examined: found.length };
  const compared = compare(found, policy);
  const why = whyNone(found, compared, 'signatures');
  const message =
    policy.publicKey === undefined
      ? `Image signature check failed: ${why}`
      : `No image signatures found matching the given public key. Verify the correct public key was provided, and a signature was created. Error: ${why}`;
  return {
    code,
    examined: found.length,
    problem: { message, ...compared.told, evidence: found.map(({ id }) => id) },
  };
}

function checkAttestations({ attestations, component, policy }: Subject): Check {
  const code = builtInCodes.attestation;
  const found = component.items.filter(
    item => (item.kind === 'attestation' && !isUnsigned(item)) || couldBeEither(item),
  );
  if (attestations.length > 0) return { code, examined: found.length };
  const compared = compare(found, policy);
  const message = `Image attestation check failed: ${whyNone(found, compared, 'attestations')}`;
  return {
    code,
    examined: found.length,
    problem: { message, ...compared.told, evidence: found.map(({ id }) => id) },
  };
}

function checkSyntax({ attestations }: Subject): Check {
  const code = builtInCodes.syntax;
  const found = provenanceOf(attestations);
  const broken = found
    .map(one => ({ one, problems: problemsOfProvenance(one) }))
    .filter(({ problems }) => problems.length > 0);
  const examined = found.length;
  const [first] = broken;
  if (first === undefined) return { code, examined };
  const evidence = broken.map(({ one }) => one.id);
  return {
    code,
    examined,
    problem: {
      message: `Attestation syntax check failed: ${first.problems.join('; ')}`,
      cause: 'malformed-provenance',
      evidence,
    },
  };
}

interface Compared {
  readonly reasons: readonly EvidenceReason[];
  readonly told: { readonly wanted?: string; readonly got?: string };
}

/** The most telling reason of all that was rejected: who was wanted, and who it was. */
function compare(found: readonly RecordedItem[], policy: Subject['policy']): Compared {
  const judged = found.map(item => judgeAnew(item, policy));
  const reasons = judged.flatMap(item => item.reasons.slice(0, 1));
  const telling = reasons.find(({ wanted, got }) => wanted !== undefined && got !== undefined) ?? reasons[0];
  const wanted = telling?.wanted ?? (policy.identities.map(describePattern).join(' or ') || policy.publicKey);
  const signer = judged.find(item => item.signer !== undefined)?.signer;
  const got = telling?.got ?? (signer === undefined ? 'none' : describeSigner(signer));
  return { reasons, told: { ...(wanted !== undefined && { wanted }), got } };
}

/** Two kinds share one form; of one that cannot be proven nobody knows which it is. */
function couldBeEither(item: RecordedItem): boolean {
  return item.store === 'referrer' && item.trust === undefined && item.kind !== 'sbom' && !isUnsigned(item);
}

function isUnsigned({ reasons }: RecordedItem): boolean {
  return reasons[0]?.code === 'unsigned';
}

function whyNone(found: readonly RecordedItem[], { reasons }: Compared, many: string): string {
  if (found.length === 0) return `no ${many} found`;
  const said = [...new Set(reasons.map(({ code, message }) => `${message} (${code})`))]
    .slice(0, 3)
    .join('; ');
  return `no acceptable ${many} among ${found.length} ${found.length === 1 ? 'item' : 'items'}: ${said}`;
}
