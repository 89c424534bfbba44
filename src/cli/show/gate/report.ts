import { describeSigner } from '../../../model/identity.ts';
import type { JudgedItem } from '../../../model/verdict.ts';
import {
  type ComponentVerdict,
  type GatedImages,
  type RuleResult,
  ruleTexts,
} from '../../../workflow/gate-image.ts';
import { formatPolicy } from './policy-text.ts';

/** What a report shows beside violations. */
export interface Shown {
  readonly successes: boolean;
  readonly warnings: boolean;
  readonly info: boolean;
}

/** A verdict and how it was asked to be shown. */
export interface ShownVerdict extends GatedImages {
  readonly shown: Shown;
}

/** One output may wish for more or less than the command line says for all. */
export function shownBy({ shown }: ShownVerdict, wishes: Readonly<Record<string, string>> = {}): Shown {
  const wish = (name: string, fallback: boolean) =>
    wishes[name] === undefined ? fallback : wishes[name] !== 'false';
  return {
    ...shown,
    successes: wish('show-successes', shown.successes),
    warnings: wish('show-warnings', shown.warnings),
  };
}

/** The report in the form that readers of Enterprise Contract's know; what is ours stands under `cascadeguard`. */
export function toReport(gated: ShownVerdict, wishes?: Readonly<Record<string, string>>): object {
  const { verdict, policy } = gated;
  const shown = shownBy(gated, wishes);
  return {
    success: verdict.decision === 'allow',
    components: verdict.components.map(component => toComponent(component, shown)),
    key: policy.publicKey ?? '',
    policy: formatPolicy(policy),
    'ec-version': 'cascadeguard',
    'effective-time': verdict.effectiveTime,
    cascadeguard: {
      decision: verdict.decision,
      production: verdict.production,
      ...(!verdict.production && { trust: 'local' }),
      components: verdict.components.map(toOwn),
    },
  };
}

function toComponent(component: ComponentVerdict, shown: Shown): object {
  const { name, containerImage, source, violations, warnings, successes, items, decision } = component;
  const list = (key: string, results: readonly RuleResult[], isShown: boolean) =>
    isShown && results.length > 0 && { [key]: results.map(result => toResult(result, key, shown)) };
  const accepted = items.filter(item => item.accepted);
  const signatures = accepted.filter(({ kind }) => kind === 'signature').map(toSignature);
  const attestations = accepted
    .filter(({ kind }) => kind === 'attestation')
    .map(item => ({
      type: 'https://in-toto.io/Statement/v0.1',
      predicateType: item.predicateType ?? '',
      signatures: [toSignature(item)],
    }));
  return {
    name,
    containerImage,
    source: source === undefined ? {} : { git: source },
    ...list('violations', violations, true),
    ...list('warnings', warnings, shown.warnings),
    ...list('successes', successes, shown.successes),
    success: decision === 'allow',
    ...(signatures.length > 0 && { signatures }),
    ...(attestations.length > 0 && { attestations }),
  };
}

function toResult(result: RuleResult, kind: string, { info }: Shown): object {
  const text = ruleTexts[result.code];
  return {
    msg: result.message,
    metadata: {
      code: result.code,
      ...(result.term !== undefined && { term: result.term }),
      ...(info &&
        text !== undefined && {
          title: text.title,
          description:
            kind === 'violations' ? `${text.description} ${exclusionHint(result)}` : text.description,
          ...(kind !== 'successes' && { solution: text.solution }),
          ...(text.collections.length > 0 && { collections: text.collections }),
        }),
    },
  };
}

export function exclusionOf({ code, term }: RuleResult): string {
  return term === undefined ? code : `${code}:${term}`;
}

function exclusionHint(result: RuleResult): string {
  return `To exclude this rule add "${exclusionOf(result)}" to the \`exclude\` section of the policy configuration.`;
}

function toSignature(item: JudgedItem): object {
  const { signer } = item;
  if (signer?.kind !== 'certificate') return { keyid: signer?.keyId ?? '', sig: '' };
  return {
    keyid: '',
    sig: '',
    metadata: { 'Subject Alternative Name': `URIs:${signer.subject}`, 'Fulcio Issuer (V2)': signer.issuer },
  };
}

function toOwn(component: ComponentVerdict): object {
  const { name, containerImage, decision, trouble, violations, rules, items } = component;
  return {
    name,
    containerImage,
    decision,
    ...(trouble !== undefined && { trouble: trouble.message }),
    rules: rules.map(({ code, status, examined }) => ({ code, status, examined })),
    violations: violations.map(({ code, term, message, wanted, got, evidence }) => ({
      code,
      ...(term !== undefined && { term }),
      message,
      ...(wanted !== undefined && { wanted }),
      ...(got !== undefined && { got }),
      evidence,
    })),
    evidence: items.map(({ id, store, kind, predicateType, accepted, trust, signer, log, reasons }) => ({
      id,
      store,
      kind,
      ...(predicateType !== undefined && { predicateType }),
      accepted,
      ...(trust !== undefined && { trust }),
      ...(signer !== undefined && {
        signer: describeSigner(signer),
        ...(signer.kind === 'certificate' && { oids: signer.claims }),
      }),
      ...(log !== undefined && { logIndex: log.index }),
      reasons,
    })),
  };
}
