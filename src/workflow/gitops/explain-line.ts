import { quoteWord } from '../../ground/terminal/shell-word.ts';
import type { GateImagesOptions } from '../gate-image.ts';

/** What decides a verdict beside the image, as far as a command line can say it. */
export type ExplainChoice = Pick<
  GateImagesOptions,
  | 'policy'
  | 'promotion'
  | 'publicKey'
  | 'trustedRoots'
  | 'allowStaleRoot'
  | 'allowLocalTrust'
  | 'local'
  | 'insecureRegistries'
  | 'caFiles'
>;

/** The command that explains a refusal: it runs as it is printed, and comes to the same verdict. */
export function explainLine(image: string, o: ExplainChoice): string {
  const some = (flag: string, values: readonly (string | undefined)[]) =>
    values.flatMap(value => (value === undefined ? [] : [flag, value]));
  const words = [
    ...some('--policy', [o.policy]),
    ...some('--promotion', [o.promotion]),
    ...some('--public-key', [o.publicKey]),
    ...some('--trusted-root', o.trustedRoots ?? []),
    ...(o.allowStaleRoot === true ? ['--allow-stale-root'] : []),
    ...(o.allowLocalTrust === true ? ['--allow-local-trust'] : []),
    ...some('--project', [o.local?.project]),
    ...some('--sigstore-data', [o.local?.folder]),
    ...some('--insecure', o.insecureRegistries ?? []),
    ...some('--ca', o.caFiles ?? []),
  ];
  return ['cg explain', ...[image, ...words].map(quoteWord)].join(' ');
}
