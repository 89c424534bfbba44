import { stage } from '../../ground/progress/progress.ts';
import { formatBytes, formatCount } from '../../ground/terminal/amounts.ts';
import { defined } from '../../model/defined.ts';
import { type CopiedImage, copyImage } from '../../workflow/copy-image.ts';
import { defineCommand, type FlagValues } from '../command.ts';
import { namesRequirement, requirementChoice, requirementFlags } from '../evidence/requirement-flags.ts';
import { trustChoice, trustFlags } from '../evidence/trust-flags.ts';
import { completeImageArgument, platforms, reachOptions, registryFlags } from '../registry-flags.ts';
import { trackCopy } from '../show/copy-progress.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg copy ghcr.io/shop/web:1.4 registry.example.com/shop/web:1.4',
      does: 'from registry to registry, all platforms, with all evidence',
    },
    {
      run: 'cg copy ghcr.io/shop/web@sha256:… oci:./web',
      does: 'into a folder, to carry it across an air gap',
    },
    {
      run: 'cg copy oci:./web 127.0.0.1:5000/shop/web:1.4 --platform linux/arm64',
      does: 'and out of it, one platform only',
    },
    {
      run: 'cg copy ghcr.io/shop/web:1.4 registry.example.com/shop/web:1.4 --verify --key cosign.pub',
      does: 'only what is signed, verified again where it arrived before the tag is set',
    },
  ],
  about:
    'An image is REGISTRY/REPOSITORY:TAG or @DIGEST, oci:FOLDER, oci-archive:FILE or docker-archive:FILE. The digest never\n' +
    'changes. Signatures, attestations and whatever else refers to the image come along. What the target has is not sent\n' +
    'again, so an interrupted copy goes on where it was; the tag is set last.',
  args: [
    { name: 'SOURCE', brief: 'the image to copy', required: true, complete: completeImageArgument },
    {
      name: 'TARGET',
      brief: 'where to; without a tag it gets that of the source',
      required: true,
      complete: completeImageArgument,
    },
  ],
  flags: {
    platform: {
      kind: 'text',
      placeholder: 'OS/ARCH',
      brief: 'only this platform',
      complete: () => platforms,
    },
    evidence: {
      kind: 'toggle',
      brief: 'leave signatures, attestations and other referrers behind',
      fallback: true,
    },
    verify: {
      kind: 'toggle',
      brief: 'copy only what is signed, and verify again at the target before the tag is set',
    },
    ...requirementFlags,
    ...trustFlags,
    ...registryFlags,
  },
  async run({ flags, args: [source = '', target = ''] }, context) {
    const reach = await reachOptions(flags, context);
    const result = await stage(context.progress, `copy ${source} to ${target}`, id =>
      copyImage({
        ...reach,
        source,
        target,
        evidence: flags.evidence,
        ...defined({ platform: flags.platform }),
        ...((flags.verify || namesTrust(flags) || namesRequirement(flags)) && {
          verify: {
            ...trustChoice(flags, context),
            ...requirementChoice(flags),
            onWarning: (text: string) => context.progress({ type: 'note', level: 'warning', text }),
          },
        }),
        onProgress: trackCopy(context.progress, id),
      }),
    );
    for (const tag of result.conflicts) {
      context.progress({
        type: 'note',
        level: 'warning',
        text: `${tag} holds other evidence at the target and was left alone`,
      });
    }
    const { root, ...rest } = result;
    context.say(describeCopy(result));
    return { result: { ...rest, digest: root.digest, mediaType: root.mediaType } };
  },
  text: ({ target, digest }) => `${target.replace(/@sha(?:256|512):.*$/, '')}@${digest}`,
});

function describeCopy({ tags, blobs, manifests, bytesSent, evidence, verified }: CopiedImage): string {
  const sent = [
    `${formatCount(blobs.uploaded, 'blob')} sent (${formatBytes(bytesSent)})`,
    `${blobs.mounted} mounted`,
    `${blobs.present} there before`,
  ].join(', ');
  const isNews = blobs.uploaded + blobs.mounted + manifests.uploaded > 0;
  return [
    ...(tags.length > 0 ? [`tagged ${tags.join(', ')}`] : []),
    isNews ? sent : 'everything was there before',
    ...(evidence > 0 ? [`${formatCount(evidence, 'piece', 'pieces')} of evidence`] : []),
    ...(verified === undefined ? [] : [`${verified} verified at both ends`]),
  ].join('; ');
}

/** Whoever says whom to believe wants it checked: a forgotten --verify must not copy what nobody looked at. */
function namesTrust(flags: FlagValues<typeof trustFlags>): boolean {
  const lists = [flags.identity, flags.identityRegexp, flags.claim, flags.key, flags.trustedRoot];
  return (
    lists.some(list => list.length > 0) || flags.issuer !== undefined || flags.issuerRegexp !== undefined
  );
}
