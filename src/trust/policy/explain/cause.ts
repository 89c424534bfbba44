import { isLocalTrust } from '../../../model/evidence.ts';
import type { RuleResult } from '../../../model/verdict.ts';
import { builtInCodes } from '../built-in.ts';
import { isProven, judgeAnew } from '../evidence/accept.ts';
import { expiredExceptions } from '../exceptions.ts';
import type { ComponentEvidence } from '../gate-input.ts';
import type { Policy } from '../policy.ts';
import { nameIn } from '../select.ts';

/** Why a rule said no, in words that do not change; scripts may match on them. */
export type Cause =
  | 'unknown-tag'
  | 'unsigned'
  | 'wrong-identity'
  | 'local-trust'
  | 'forged'
  | 'no-provenance'
  | 'malformed-provenance'
  | 'no-expected-source'
  | 'wrong-commit'
  | 'wrong-repository'
  | 'foreign-source'
  | 'foreign-builder'
  | 'no-sbom'
  | 'bad-sbom'
  | 'scan-missing'
  | 'scan-stale'
  | 'finding-from-base'
  | 'finding-of-ours'
  | 'finding-without-fix'
  | 'finding'
  | 'tag-instead-of-digest'
  | 'base-without-digest'
  | 'evidence-missing'
  | 'expired-waiver'
  | 'other';

export function causeOf(
  result: RuleResult,
  component: ComponentEvidence,
  policy: Policy,
  time: number,
): Cause {
  if (isExpiredWaiver(result, component, policy, time)) return 'expired-waiver';
  const [name = ''] = result.code.split('.');
  switch (result.code) {
    case builtInCodes.accessible:
      return 'unknown-tag';
    case builtInCodes.signature:
      return causeOfNone('signature', component, policy, 'unsigned');
    case builtInCodes.attestation:
      return causeOfNone('attestation', component, policy, 'no-provenance');
    case builtInCodes.syntax:
      return 'malformed-provenance';
    case 'evidence.local_trust':
      return 'local-trust';
    case 'evidence.required_types':
      return 'evidence-missing';
    case 'slsa_source_correlated.source_code_reference_provided':
      return 'no-expected-source';
    case 'slsa_source_correlated.expected_source_code_reference':
      return sameRepository(result) ? 'wrong-commit' : 'wrong-repository';
    case 'source.only_expected':
      return 'foreign-source';
    case 'source.certificate_correlated':
      return result.message.endsWith('nothing to examine')
        ? 'no-provenance'
        : sameRepository(result)
          ? 'wrong-commit'
          : 'wrong-repository';
    case 'image.digest_pinned':
      return 'tag-instead-of-digest';
    case 'base.digest_pinned':
      return 'base-without-digest';
    case 'vuln.scan_fresh':
      return result.message.endsWith('nothing to examine') ? 'scan-missing' : 'scan-stale';
    case 'vuln.both_scanners':
    case 'cve.cve_results_found':
      return 'scan-missing';
    case 'vuln.threshold':
    case 'cve.cve_blockers':
    case 'cve.unpatched_cve_blockers':
      return causeOfFinding(result);
    case 'sbom.found':
      return 'no-sbom';
    case 'slsa_build_build_service.slsa_builder_id_found':
    case 'slsa_build_build_service.slsa_builder_id_accepted':
    case 'provenance.builder_trusted':
      return result.message.endsWith('nothing to examine') ? 'no-provenance' : 'foreign-builder';
    default:
      if (name === 'sbom_spdx' || name === 'sbom_cyclonedx')
        return result.message.endsWith('nothing to examine') ? 'no-sbom' : 'bad-sbom';
      return name === 'slsa_provenance_available' || name === 'slsa_source_correlated'
        ? 'no-provenance'
        : 'other';
  }
}

/** `https://gitlab.com/group/app at <commit>`: what stands before the last " at " is the repository. */
function sameRepository({ wanted = '', got = '' }: RuleResult): boolean {
  const repository = (text: string) =>
    text
      .slice(0, text.lastIndexOf(' at '))
      .replace(/\.git$/, '')
      .replace(/\/+$/, '');
  return repository(wanted) === repository(got);
}

function causeOfFinding({ message }: RuleResult): Cause {
  if (message.endsWith('nothing to examine') || message.startsWith('A scan by')) return 'scan-missing';
  if (message.includes('no fix is known') || message.includes('unpatched')) return 'finding-without-fix';
  if (message.includes(' from the base image; ')) return 'finding-from-base';
  return message.includes(' of ours; ') ? 'finding-of-ours' : 'finding';
}

function causeOfNone(
  kind: 'signature' | 'attestation',
  { items }: ComponentEvidence,
  policy: Policy,
  none: Cause,
): Cause {
  const isBroken = (item: ComponentEvidence['items'][number]) =>
    item.store === 'referrer' && item.trust === undefined;
  const found = items.filter(
    item => (item.kind === kind || isBroken(item)) && item.reasons[0]?.code !== 'unsigned',
  );
  if (found.length === 0) return none;
  const proven = found.filter(isProven).map(item => judgeAnew(item, policy));
  const isByStranger = found.some(({ reasons }) => reasons[0]?.code === 'identity');
  if (proven.length === 0) return isByStranger ? 'wrong-identity' : 'forged';
  const isLocal = proven.some(
    ({ trust, reasons }) => isLocalTrust(trust) && reasons.every(({ code }) => code === 'local-trust'),
  );
  return isLocal ? 'local-trust' : 'wrong-identity';
}

function isExpiredWaiver(
  { code, term }: RuleResult,
  component: ComponentEvidence,
  policy: Policy,
  time: number,
): boolean {
  return expiredExceptions(component, policy, time).some(({ value }) => isAboutResult(value, code, term));
}

export function isAboutResult(value: string, code: string, term: string | undefined): boolean {
  const name = nameIn(value).replace(/\.\*$/, '');
  const wanted = value === nameIn(value) ? undefined : value.slice(nameIn(value).length + 1);
  const isNamed = code === name || code.startsWith(`${name}.`);
  return isNamed && (wanted === undefined || wanted === term);
}
