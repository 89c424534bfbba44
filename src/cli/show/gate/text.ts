import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { Style } from '../../../ground/terminal/style.ts';
import { type ComponentVerdict, type RuleResult, ruleTexts } from '../../../workflow/gate-image.ts';
import { type Shown, type ShownVerdict, shownBy } from './report.ts';
import { describeTrouble } from './trouble.ts';

const width = 130;

/** For people: what was decided first, then every result with its reason. */
export function renderVerdict(
  gated: ShownVerdict,
  style: Style,
  wishes?: Readonly<Record<string, string>>,
): string {
  const { verdict } = gated;
  const shown = shownBy(gated, wishes);
  const results = [
    ...resultsOf(verdict.components, 'violations').map(one => renderResult(one, 'Violation', shown, style)),
    ...(shown.warnings
      ? resultsOf(verdict.components, 'warnings').map(one => renderResult(one, 'Warning', shown, style))
      : []),
    ...(shown.successes
      ? resultsOf(verdict.components, 'successes').map(one => renderResult(one, 'Success', shown, style))
      : []),
  ];
  return [
    `Success: ${verdict.decision === 'allow'}`,
    `Result: ${outcomeOf(gated)}`,
    `Violations: ${count(verdict.components, 'violations')}, Warnings: ${count(verdict.components, 'warnings')}, Successes: ${count(verdict.components, 'successes')}`,
    ...renderComponents(verdict.components),
    ...(verdict.production
      ? []
      : ['', style.yellow('Evidence of a local Sigstore counts: NOT FOR PRODUCTION')]),
    ...verdict.components.flatMap(renderTrouble),
    '',
    ...(results.length > 0 ? ['Results:', ...results] : []),
  ].join('\n');
}

export function outcomeOf({
  verdict: { decision, components },
}: ShownVerdict): 'SUCCESS' | 'WARNING' | 'FAILURE' | 'SKIPPED' | 'ERROR' {
  if (decision === 'indeterminate') return 'ERROR';
  if (decision === 'deny') return 'FAILURE';
  if (count(components, 'warnings') > 0) return 'WARNING';
  return count(components, 'successes') === 0 ? 'SKIPPED' : 'SUCCESS';
}

type Kind = 'violations' | 'warnings' | 'successes';

export function count(components: readonly ComponentVerdict[], kind: Kind): number {
  return components.reduce((sum, component) => sum + component[kind].length, 0);
}

function renderComponents(components: readonly ComponentVerdict[]): string[] {
  const [only] = components;
  if (components.length === 1 && only !== undefined)
    return [`Component: ${escapeLine(only.name)}`, `ImageRef: ${escapeLine(only.containerImage)}`];
  return [
    'Components:',
    ...components.flatMap(one => [
      `- Name: ${escapeLine(one.name)}`,
      `  ImageRef: ${escapeLine(one.containerImage)}`,
      `  Violations: ${one.violations.length}, Warnings: ${one.warnings.length}, Successes: ${one.successes.length}`,
      '',
    ]),
  ];
}

function renderTrouble(component: ComponentVerdict): string[] {
  const lines = describeTrouble(component);
  return lines.length === 0 ? [] : ['', ...lines];
}

interface Placed {
  readonly image: string;
  readonly result: RuleResult;
}

function resultsOf(components: readonly ComponentVerdict[], kind: Kind): Placed[] {
  return components.flatMap(component =>
    component[kind].map(result => ({ image: component.containerImage, result })),
  );
}

const marks = { Violation: '✕', Warning: '›', Success: '✓' } as const;

function renderResult(
  { image, result }: Placed,
  type: keyof typeof marks,
  { info }: Shown,
  style: Style,
): string {
  const paint = { Violation: style.red, Warning: style.yellow, Success: style.green }[type];
  const text = info ? ruleTexts[result.code] : undefined;
  const line = (label: string, value: string | undefined) =>
    value === undefined || value === '' ? [] : [wrap(`${label}: ${escapeLine(value)}`)];
  return [
    `${paint(marks[type])} ${paint(`[${type}] ${escapeLine(result.code)}`)}`,
    ...line('ImageRef', image),
    ...(type === 'Success'
      ? []
      : [...line('Reason', result.message), ...line('Wanted', result.wanted), ...line('Got', result.got)]),
    ...line('Term', result.term),
    ...line('Title', text?.title),
    ...line('Description', text?.description),
    ...(type === 'Success' ? [] : line('Solution', text?.solution)),
    '',
  ].join('\n');
}

/** Lines of at most 130 columns, every one indented by two. A word that is longer stays whole. */
function wrap(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width - 2) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map(one => `  ${one}`).join('\n');
}
