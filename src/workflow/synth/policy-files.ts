import { basename, dirname, join } from 'node:path';
import { PromotionFile } from '../../config/promotion-file.ts';
import { parseConfig } from '../../config/read-config.ts';
import type { DeliveryEnvironment } from '../../delivery/synth/plan.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { readTextFile } from '../gate/read-text.ts';
import type { Environment } from '../gitops/environments.ts';

/** The policy of an environment with what it extends, as files for a ConfigMap; undefined without one. */
export async function readPolicyFiles({
  policy,
  promotion,
}: Environment): Promise<DeliveryEnvironment['policy'] | undefined> {
  const file = promotion ?? policy;
  if (file === undefined) return undefined;
  const text = await readTextFile(file);
  if (promotion === undefined) return { flag: 'policy', files: new Map([[basename(file), text]]) };
  const { extends: base } = parseConfig(file, text, PromotionFile).value;
  if (base === undefined) return { flag: 'promotion', files: new Map([[basename(file), text]]) };
  // Beside each other in the ConfigMap, whose keys know no folders.
  const flat = text.replace(/^(extends:\s*).*$/m, `$1${basename(base)}`);
  if (flat === text && basename(base) !== base)
    throw new Fault('EDIT_REFUSED', {
      what: 'extends cannot be made a name without a folder here, as a ConfigMap needs it',
      where: file,
      next: `write it as a line of its own: extends: ${base}`,
    });
  const extended = await readTextFile(join(dirname(file), base));
  return {
    flag: 'promotion',
    files: new Map([
      [basename(file), flat],
      [basename(base), extended],
    ]),
  };
}
