import { Fault } from '../../ground/fault/fault.ts';
import { stage } from '../../ground/progress/progress.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { defined } from '../../model/defined.ts';
import { type Condition, type PromotedImages, promoteImages } from '../../workflow/promote-images.ts';
import { type PromotedInRegistry, promoteInRegistry } from '../../workflow/promote-in-registry.ts';
import { defineCommand } from '../command.ts';
import { deliveryFlags, deliveryOptions, overrideAbout } from '../delivery-flags.ts';
import { renderPinChanges, sayRendering } from '../show/pin-changes.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg promote dev staging', does: 'what dev runs, by the same digests, in one commit' },
    { run: 'cg promote staging prod catalog --plan', does: 'would it be allowed, and what would change?' },
    {
      run: 'cg promote ghcr.io/shop/web@sha256:… --tag latest --policy policy.yaml',
      does: 'a tag for what the policy allows',
    },
    {
      run: 'cg promote ghcr.io/shop/web:1.4 registry.example.com/prod/web --tag 1.4',
      does: 'to another registry, with all evidence',
    },
  ],
  about:
    'Between environments digests move: never tags, never a rebuild. Every condition is looked at now: the order of the\n' +
    'environments, how long the digest has been in the first one, and its evidence by the policy of the second.\n' +
    overrideAbout,
  args: [
    { name: 'FROM', brief: 'an environment, or an image', required: true },
    { name: 'TO', brief: 'an environment, or a repository', required: false },
    { name: 'NAME', brief: 'entries of the kustomization; all without any', required: false, many: true },
  ],
  flags: {
    tag: { kind: 'text', placeholder: 'TAG', brief: 'in a registry: the tag that the image gets' },
    hotfix: { kind: 'text', placeholder: 'REASON', brief: 'skip order and waiting; the commit says why' },
    ...deliveryFlags,
  },
  async run({ flags, args: [from = '', to, ...names] }, context) {
    const options = await deliveryOptions(flags, context);
    if (/[/:@]/.test(from)) {
      const result = await stage(context.progress, `promote ${from}`, () =>
        promoteInRegistry({ ...options, image: from, ...defined({ target: to, tag: flags.tag }) }),
      );
      return { result };
    }
    if (to === undefined) {
      throw new Fault('USAGE', {
        what: `where shall ${from} be promoted to?`,
        next: `cg promote ${from} ENVIRONMENT`,
      });
    }
    const result = await stage(context.progress, `promote ${from} to ${to}`, () =>
      promoteImages({ ...options, from, to, names, ...defined({ hotfix: flags.hotfix }) }),
    );
    const said = sayRendering(result);
    if (said !== undefined) context.say(said);
    return { result };
  },
  text: renderPromotion,
});

function renderPromotion(result: PromotedImages | PromotedInRegistry, style: Style): string {
  if ('target' in result) return escapeLine(result.target);
  return [
    ...result.conditions.map(condition => renderCondition(condition, style)),
    renderPinChanges(result, style),
  ].join('\n');
}

function renderCondition({ code, image, holds, detail }: Condition, style: Style): string {
  const mark = holds === true ? style.green('✓') : holds === false ? style.red('✗') : style.yellow('◦');
  const about = image === undefined ? '' : ` ${escapeLine(image)}`;
  return `${mark} ${code}${about}: ${holds === 'waived' ? 'waived; ' : ''}${escapeLine(detail)}`;
}
