import { join } from 'node:path';
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
    ...storySteps(ready, host),
    [`cg inspect ${ready.sample}`, 'platforms, layers, and what refers to it'],
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
    ...(ready.story === undefined
      ? []
      : [`  git       ${ready.story.git}/shop.git  ${ready.story.git}/config.git`]),
    `  data      ${ready.data}`,
    '',
    'Try, in another terminal:',
    '',
    ...(alias === undefined ? [] : [`  ${alias}`]),
    ...(exportFolder === undefined ? [] : [`  export CG_SIGSTORE_DATA=${exportFolder}`]),
    ...steps.flatMap(([run, does]) => [`  ${style.dim(`# ${does}`)}`, `  ${run}`]),
    '',
    'Stop with Ctrl-C; everything is still there the next time.',
  ].join('\n');
}

/** What can be asked of the shop that the story left behind. */
function storySteps({ story }: UpReady, host: string): string[][] {
  if (story === undefined) return [];
  const policy = '--promotion promotion.yaml --allow-local-trust';
  return [
    [`cd ${join(story.folder, 'shop')}`, 'the shop of the story: its code, images.yaml, the policy'],
    ['cg where', 'which digest is where, from Git'],
    [`cg gate ${host}/bookstore/web:1.0 ${policy}`, 'may this image go to production?'],
    [`cg explain ${story.stranger} ${policy}`, 'why not this one, and what would change it?'],
    [`cg sbom ${host}/bookstore/catalog:1.0`, 'what is in it, and what of it comes from its base'],
    ['cg images status', 'what the images stand on'],
  ];
}

function verifyCommand(image: string, { issuer, identity }: NonNullable<UpReady['signer']>): string {
  return `cg verify ${image} --allow-local-trust --issuer ${issuer} --identity ${identity}`;
}
