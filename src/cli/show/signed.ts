import { formatCount } from '../../ground/terminal/amounts.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import { describeSigner } from '../../model/identity.ts';
import type { SignedImage } from '../../workflow/sign-image.ts';

/** What was stored about which digest, and by whom it was signed. */
export function renderSigned(signed: SignedImage, what: string): string {
  const lines = signed.stored.map(({ digest, platform, referrers, tags }) => {
    const places = [
      ...(referrers.length > 0 ? [formatCount(referrers.length, 'bundle')] : []),
      ...tags.map(tag => `.${tag.slice(tag.lastIndexOf('.') + 1)}`),
    ];
    return `✓ ${digest}  ${[platform, places.join(' and ')].filter(Boolean).join('  ')}`;
  });
  return [
    `${what} ${escapeLine(signed.reference)} as ${escapeLine(describeSigner(signed.signer))}`,
    ...lines,
  ].join('\n');
}
