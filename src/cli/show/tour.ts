import type { Style } from '../../ground/terminal/style.ts';
import type { Digest } from '../../model/digest.ts';
import { shortDigest } from '../../model/digest.ts';
import type { UpReady } from '../../workflow/up/up.ts';

/** What the reader of the tour has to type first. */
export interface TourHints {
  /** A name for cg where it is not on the PATH. */
  readonly alias: string | undefined;
  /** Where later commands must look for the local Sigstore. */
  readonly exportFolder: string | undefined;
}

/** What runs now, and a few commands to try against it. */
export function renderTour(ready: UpReady, { alias, exportFolder }: TourHints, style: Style): string {
  const host = new URL(ready.registry).host;
  const taken = ready.insteadOf === undefined ? '' : ` (${ready.insteadOf} was taken)`;
  const steps = [
    [`cg inspect ${ready.sample}`, 'platforms, layers, and what refers to it'],
    ...(exportFolder === undefined
      ? []
      : [[`export CG_SIGSTORE_DATA=${exportFolder}`, 'where the local Sigstore keeps its trust root']]),
    ...(ready.signer === undefined
      ? []
      : [
          [
            verifyCommand(ready.sample, ready.signer),
            'who signed it? (the local Sigstore did, and that never counts in production)',
          ],
        ]),
    [`cg copy ${ready.sample} oci:./hello`, 'into a folder, byte for byte, with its signatures'],
    [`cg copy oci:./hello ${host}/mirror/hello:1`, 'and back, under another name'],
    [`curl ${ready.registry}/v2/mirror/hello/tags/list`, 'any OCI client works'],
    [`cg sign ${host}/mirror/hello:1 --local`, 'sign it yourself, with a development identity'],
    ['cg doctor', 'what this machine has and lacks'],
  ];
  return [
    style.bold('CascadeGuard runs on this machine.'),
    '',
    `  registry  ${style.cyan(ready.registry)}${taken}`,
    `  sample    ${ready.sample}  ${style.dim(`digest ${shortDigest(ready.digest as Digest)}…`)}`,
    `  sigstore  ${ready.sigstore}`,
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

function verifyCommand(image: string, { issuer, identity }: NonNullable<UpReady['signer']>): string {
  return `cg verify ${image} --allow-local-trust --issuer ${issuer} --identity ${identity}`;
}
