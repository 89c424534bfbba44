import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { Style } from '../../../ground/terminal/style.ts';
import type {
  ComponentExplanation,
  Denial,
  Explanation,
  FilePatch,
  Fix,
} from '../../../workflow/explain-image.ts';

import { describeTrouble } from './trouble.ts';

const files = { components: 'the components file', policy: 'policy.yaml' } as const;

/** Each denial with what was looked at, wanted and got, and what turns it; then the shortest way to an allow. */
export function renderExplanation({ components }: Explanation, style: Style): string {
  return components.map(component => renderComponent(component, style)).join('\n\n');
}

function renderComponent(component: ComponentExplanation, style: Style): string {
  const { name, containerImage, decision, trouble, denials, more, plan, passes } = component;
  const mark = decision === 'allow' ? style.green('✓') : style.red(decision === 'deny' ? '✗' : '?');
  const head = `${mark} ${style.bold(`${escapeLine(name)}  ${escapeLine(containerImage)}`)}  ${decision}`;
  if (trouble !== undefined) return [head, ...describeTrouble(component).map(line => `  ${line}`)].join('\n');
  if (decision === 'allow')
    return [
      head,
      ...passes.flatMap(({ code, examined, evidence }) => [
        `  ${style.green('✓')} ${code}: examined ${examined}`,
        ...evidence.map(one => `      ${style.dim(escapeLine(one))}`),
      ]),
    ].join('\n');
  const shown = new Set<string>();
  return [
    head,
    ...denials.flatMap(denial => renderDenial(denial, shown, style)),
    ...(more === undefined ? [] : ['', `  … and ${more} more`]),
    '',
    ...renderPlan(plan, style),
  ].join('\n');
}

function renderDenial(denial: Denial, shown: Set<string>, style: Style): string[] {
  const { code, term, cause, message, wanted, got, evidence, fixes, unproven } = denial;
  const line = (label: string, value: string | undefined) =>
    value === undefined ? [] : [`    ${label.padEnd(9)} ${escapeLine(value)}`];
  return [
    '',
    `  ${style.red('✗')} ${escapeLine(term === undefined ? code : `${code}:${term}`)}  ${style.dim(`(${cause})`)}`,
    `    ${escapeLine(message)}`,
    ...(evidence.length === 0
      ? line('looked at', 'no evidence was there to look at')
      : evidence.slice(0, 10).flatMap((one, index) => line(index === 0 ? 'looked at' : '', one))),
    ...line('wanted', wanted),
    ...line('got', got),
    ...(fixes.length === 0
      ? [`    ${style.yellow('no fix')}    nothing that was tried turns this; the image has to change`]
      : fixes.flatMap(fix => renderFix(fix, shown, style))),
    ...unproven
      .slice(0, 3)
      .map(({ title, reason }) => `    not proven: ${escapeLine(title)} (${escapeLine(reason)})`),
  ];
}

function renderFix(fix: Fix, shown: Set<string>, style: Style): string[] {
  const { kind, title, commands, patch, warning, verdictAfter, remaining } = fix;
  const key = JSON.stringify([kind, title, commands, patch]);
  if (shown.has(key)) return [`    ${style.green('fix')}       ${escapeLine(title)} (above)`];
  shown.add(key);
  const after = verdictAfter === 'allow' ? 'then: allow' : `then still: ${remaining.slice(0, 5).join(', ')}`;
  return [
    `    ${style.green('fix')}       ${escapeLine(title)}  ${style.dim(`[${kind}] ${escapeLine(after)}`)}`,
    ...(warning === undefined ? [] : [`              ${style.yellow(escapeLine(warning))}`]),
    ...commands.map(command => `              ${style.cyan(`$ ${escapeLine(command)}`)}`),
    ...(patch === undefined ? [] : renderPatch(patch)),
  ];
}

function renderPatch({ file, steps }: FilePatch): string[] {
  return steps.map(
    ({ op, path, value }) =>
      `              ${files[file]}: ${op} ${escapeLine(path)} = ${escapeLine(JSON.stringify(value))}`,
  );
}

function renderPlan(plan: readonly Fix[] | undefined, style: Style): string[] {
  if (plan === undefined)
    return [style.yellow('No set of up to four changes was found that gives an allow.')];
  const steps = plan.map(({ title }, index) => `  ${index + 1}. ${escapeLine(title)}`);
  return [
    plan.length === 1 ? 'One change gives an allow:' : `${plan.length} changes together give an allow:`,
    ...steps,
  ];
}
