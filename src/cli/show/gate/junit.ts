import { escapeForTerminal } from '../../../ground/terminal/escape.ts';
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
    `  <testsuite name="${quote(`${name} (${containerImage})`)}" tests="${tests}" failures="${violations.length}" errors="${errors}" id="0" time="" timestamp="${quote(time)}">`,
    '    <properties>',
    ...properties.map(
      ([property, value]) => `      <property name="${property}" value="${quote(value)}"></property>`,
    ),
    '    </properties>',
    ...successes.map(result => renderCase(result)),
    ...violations.map(result =>
      renderCase(result, `<failure message="${quote(result.message)}">${cdata(detailsOf(result))}</failure>`),
    ),
    ...warnings.map(result => renderCase(result, `<skipped message="${quote(result.message)}"></skipped>`)),
    ...(trouble === undefined
      ? []
      : [
          `    <testcase name="verdict" classname="verdict"><error message="${quote(trouble.message)}"></error></testcase>`,
        ]),
    '  </testsuite>',
  ];
}

function renderCase(result: RuleResult, inner = ''): string {
  const name = quote(
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

/** Controls are not XML; they are shown as what they are. */
function printable(text: string): string {
  return escapeForTerminal(text).replace(/[\uD800-\uDFFF\uFFFE\uFFFF]/gu, '�');
}

function quote(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;')
    .replaceAll('\n', '&#xA;')
    .replaceAll('\t', '&#x9;');
}

function cdata(text: string): string {
  return `<![CDATA[${printable(text).replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
}
