import type { Style } from '../../ground/terminal/style.ts';
import type { Digest } from '../../model/digest.ts';
import { shortDigest } from '../../model/digest.ts';
import type { UpReady } from '../../workflow/up/up.ts';

/** What runs now, and five commands to try against it. */
export function renderTour(ready: UpReady, style: Style, alias: string | undefined): string {
  const host = new URL(ready.registry).host;
  const taken = ready.insteadOf === undefined ? '' : ` (${ready.insteadOf} was taken)`;
  const steps = [
    [`cg inspect ${ready.sample}`, 'platforms, layers, and what refers to it'],
    [`cg copy ${ready.sample} oci:./hello`, 'into a folder, byte for byte'],
    [`cg copy oci:./hello ${host}/mirror/hello:1`, 'and back, under another name'],
    [`curl ${ready.registry}/v2/mirror/hello/tags/list`, 'any OCI client works'],
    ['cg doctor', 'what this machine has and lacks'],
  ];
  return [
    style.bold('CascadeGuard runs on this machine.'),
    '',
    `  registry  ${style.cyan(ready.registry)}${taken}`,
    `  sample    ${ready.sample}  ${style.dim(`digest ${shortDigest(ready.digest as Digest)}…`)}`,
    `  data      ${ready.data}`,
    '',
    'Try, in another terminal:',
    '',
    ...(alias === undefined ? [] : [`  ${alias}`]),
    ...steps.flatMap(([run, does]) => [`  ${style.dim(`# ${does}`)}`, `  ${run}`]),
    '',
    'Stop with Ctrl-C; everything is still there the next time.',
  ].join('\n');
}
