import { quoteXml, writeCdata } from '../../../ground/terminal/xml-text.ts';
import { describeSigner } from '../../../model/identity.ts';
import type { ComponentVerdict, RuleResult } from '../../../workflow/gate-image.ts';
import type { ShownVerdict } from './report.ts';
import { count } from './text.ts';

/** JUnit XML, one suite per image and one case per result. */
export function renderJunit({ verdict, policy }: ShownVerdict): string {
  const { components, effectiveTime } = verdict;
  const all = (['successes', 'violations', 'warnings'] as const)
    .map(kind => count(components, kind))
    .reduce((a, b) => a + b, 0);
  const errors = components.filter(({ trouble }) => trouble !== undefined).length;
  const failures = count(components, 'violations');
  const skipped = count(components, 'warnings');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${all + errors}" failures="${failures}"${errors > 0 ? ` errors="${errors}"` : ''}${skipped > 0 ? ` skipped="${skipped}"` : ''}>`,
    ...components.flatMap(component => renderSuite(component, policy.publicKey ?? '', effectiveTime)),
    '</testsuites>',
  ].join('\n');
}

function renderSuite(component: ComponentVerdict, key: string, time: string): string[] {
  const { name, containerImage, violations, warnings, successes, items, decision, trouble } = component;
  const errors = trouble === undefined ? 0 : 1;
  const tests = violations.length + warnings.length + successes.length + errors;
  const signers = items
    .filter(item => item.accepted && item.kind === 'signature')
    .flatMap(({ signer }) => (signer === undefined ? [] : [describeSigner(signer)]));
  const properties = [
    ['image', containerImage],
    ['key', key],
    ['success', String(decision === 'allow')],
    ...signers.map(signer => ['signer', signer] as const),
  ] as const;
  return [
    `  <testsuite name="${quoteXml(`${name} (${containerImage})`)}" tests="${tests}" failures="${violations.length}" errors="${errors}" id="0" time="" timestamp="${quoteXml(time)}">`,
    '    <properties>',
    ...properties.map(
      ([property, value]) => `      <property name="${property}" value="${quoteXml(value)}"></property>`,
    ),
    '    </properties>',
    ...successes.map(result => renderCase(result)),
    ...violations.map(result =>
      renderCase(
        result,
        `<failure message="${quoteXml(result.message)}">${writeCdata(detailsOf(result))}</failure>`,
      ),
    ),
    ...warnings.map(result =>
      renderCase(result, `<skipped message="${quoteXml(result.message)}"></skipped>`),
    ),
    ...(trouble === undefined
      ? []
      : [
          `    <testcase name="verdict" classname="verdict"><error message="${quoteXml(trouble.message)}"></error></testcase>`,
        ]),
    '  </testsuite>',
  ];
}

function renderCase(result: RuleResult, inner = ''): string {
  const name = quoteXml(
    `${result.code}: ${result.message}${result.term === undefined ? '' : ` [term=${result.term}]`}`,
  );
  return `    <testcase name="${name}" classname="${name}">${inner}</testcase>`;
}

function detailsOf({ message, wanted, got }: RuleResult): string {
  return [
    message,
    ...(wanted === undefined ? [] : [`wanted: ${wanted}`]),
    ...(got === undefined ? [] : [`got: ${got}`]),
  ].join('\n');
}
