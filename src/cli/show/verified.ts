import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { describeSigner } from '../../model/identity.ts';
import type { EvidenceItem, Missing, VerifiedImage, VerifiedTarget } from '../../workflow/verify-image.ts';

const verdicts: Record<VerifiedImage['verdict'], string> = {
  accepted: 'accepted',
  'not-found': 'rejected: no evidence was found',
  rejected: 'rejected: evidence was found, and it is not what is required',
  forged: 'rejected: all evidence that was found is forged or damaged',
};

/** Each item with who, when, where it is logged and who vouches for it; or with what was wanted and what was there. */
export function renderVerified(image: VerifiedImage, style: Style): string {
  const isGood = image.verdict === 'accepted';
  const verdict = isGood ? style.green(verdicts.accepted) : style.red(verdicts[image.verdict]);
  const local =
    isGood && !image.production ? `  ${style.yellow('(a local Sigstore counts: NOT FOR PRODUCTION)')}` : '';
  return [
    ...image.targets.map(target => renderTarget(target, style)),
    `${isGood ? style.green('✓') : style.red('✗')} ${clean(image.reference)}  ${verdict}${local}`,
  ].join('\n');
}

function renderTarget(target: VerifiedTarget, style: Style): string {
  const head = `${style.bold(target.digest)}${target.platform === undefined ? '' : `  ${clean(target.platform)}`}`;
  return [
    head,
    ...target.items.flatMap(item => renderItem(item, style)),
    ...target.missing.map(missing => `  ${style.red('✗')} ${describeMissing(missing)}`),
  ].join('\n');
}

function renderItem(item: EvidenceItem, style: Style): string[] {
  const kind =
    item.predicateType === undefined || item.kind === 'signature'
      ? item.kind
      : `${item.kind} ${item.predicateType}`;
  const where = style.dim(item.store);
  if (item.verified)
    return [
      `  ${style.green('✓')} ${clean(kind)}  ${where}`,
      ...factsOf(item).map(fact => `      ${clean(fact)}`),
    ];
  const mark = item.reasons[0]?.code === 'unsigned' ? style.dim('-') : style.red('✗');
  const reasons = item.reasons.flatMap(({ message, wanted, got }) => [
    `      ${clean(message)}`,
    ...(wanted === undefined ? [] : [`        wanted  ${clean(wanted)}`]),
    ...(got === undefined ? [] : [`        got     ${clean(got)}`]),
  ]);
  return [`  ${mark} ${clean(kind)}  ${where}`, ...reasons];
}

function factsOf({ signer, times, log, trust }: EvidenceItem): string[] {
  return [
    ...(signer === undefined ? [] : [`by      ${describeSigner(signer)}`]),
    ...times
      .slice(0, 1)
      .map(({ at, source }) => `at      ${at}, says the ${source === 'log' ? 'log' : 'timestamp authority'}`),
    ...(log === undefined ? [] : [`logged  ${log.kind} ${log.index}`]),
    ...(trust === undefined ? [] : [`trust   ${trust}`]),
  ];
}

function describeMissing({ what, wanted, got }: Missing): string {
  const thing = what === 'signature' ? 'an image signature' : `an attestation ${clean(what)}`;
  return wanted === 1
    ? `${thing} is required, and none was accepted`
    : `${thing} by ${wanted} different signers is required, and ${got} were accepted`;
}

/** One line, however hostile and however long. */
function clean(text: string): string {
  const line = escapeLine(text);
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}
