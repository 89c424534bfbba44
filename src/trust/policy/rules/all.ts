import type { Rule } from '../rule.ts';
import { packageOf } from '../select.ts';
import { attestationRules } from './attestations.ts';
import { builderRules } from './builders.ts';
import { imageRules } from './images.ts';
import { sbomRules } from './sboms.ts';
import { sourceRules } from './sources.ts';
import { vulnerabilityRules } from './vulnerabilities.ts';

/** Every rule that cg knows, in the order in which reports list them. */
export const allRules: readonly Rule[] = [
  ...attestationRules,
  ...builderRules,
  ...sourceRules,
  ...sbomRules,
  ...vulnerabilityRules,
  ...imageRules,
];

/** Rule data that asks for more than cg can check, by the rule that would. Without it those rules find nothing. */
export const unreadRuleData: Readonly<Record<string, string>> = {
  disallowed_packages: 'sbom_spdx.allowed and sbom_cyclonedx.allowed',
  disallowed_attributes: 'sbom_spdx.disallowed_package_attributes',
  disallowed_external_references: 'sbom_spdx.disallowed_package_external_references',
  allowed_external_references: 'sbom_spdx.allowed_package_external_references',
  allowed_package_sources: 'sbom_cyclonedx.allowed_package_sources',
  cve_leeway: 'cve.cve_blockers with a leeway',
};

export const packages: readonly string[] = [...new Set(allRules.map(({ code }) => packageOf(code)))];

export interface RuleText {
  readonly title: string;
  readonly description: string;
  readonly solution: string;
  readonly collections: readonly string[];
}

const builtInTexts: Readonly<Record<string, RuleText>> = {
  'builtin.image.accessible': toText(
    'Image URL is accessible',
    'The image URL is available and accessible.',
    'Correct the reference.',
  ),
  'builtin.image.signature_check': toText(
    'Image signature check passed',
    'The image signature matches available signing materials.',
    'cg sign IMAGE',
  ),
  'builtin.attestation.signature_check': toText(
    'Attestation signature check passed',
    'The attestation signature matches available signing materials.',
    'cg attest IMAGE',
  ),
  'builtin.attestation.syntax_check': toText(
    'Attestation syntax check passed',
    'The attestation has correct syntax.',
    'Attest a predicate that fits its type.',
  ),
};

/** What reports say of a rule beside its result, by code. */
export const ruleTexts: Readonly<Record<string, RuleText>> = {
  ...builtInTexts,
  ...Object.fromEntries(
    allRules.map(({ code, title, description, solution, collections }) => [
      code,
      { title, description, solution, collections },
    ]),
  ),
};

function toText(title: string, description: string, solution: string): RuleText {
  return { title, description, solution, collections: [] };
}
