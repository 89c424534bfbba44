import { type Explanation, explain } from '../trust/policy/explain/explain.ts';
import type { ComponentEvidence, GateInput } from '../trust/policy/gate-input.ts';
import { type GateImagesOptions, gateImages, replayGate } from './gate-image.ts';

export type { Cause } from '../model/cause.ts';
export type { ComponentExplanation, Denial, Explanation } from '../trust/policy/explain/explain.ts';
export type { FilePatch, Fix, FixKind, Hint } from '../trust/policy/explain/fix.ts';

/** Why images are denied, and what turns the verdict; each change was tried through the function that decides. */
export async function explainImages(o: GateImagesOptions): Promise<Explanation> {
  const { input } = await gateImages({ ...o, keepInput: true });
  if (input === undefined) throw new Error('the input was not kept');
  return explain(input, { alternatives: await findAlternatives(input, o), gateFlags: gateFlagsOf(o) });
}

/** So that what is printed asks the same question again. */
function gateFlagsOf({ policy, promotion, allowLocalTrust }: GateImagesOptions): string {
  const isPlain = (text: string | undefined): text is string => text !== undefined && /^[\w./-]+$/.test(text);
  return [
    isPlain(policy) ? ` --policy ${policy}` : '',
    isPlain(promotion) ? ` --promotion ${promotion}` : '',
    allowLocalTrust === true ? ' --allow-local-trust' : '',
  ].join('');
}

export async function explainReplay(file: string): Promise<Explanation> {
  const { input } = await replayGate(file);
  if (input === undefined) throw new Error('the input was not kept');
  return explain(input);
}

/** What stands under the tags that are nearest to one that does not exist. */
async function findAlternatives(
  { components }: GateInput,
  o: GateImagesOptions,
): Promise<Record<string, readonly ComponentEvidence[]>> {
  const absent = components.filter(({ nearTags = [] }) => nearTags.length > 0).slice(0, 10);
  const found: Record<string, readonly ComponentEvidence[]> = {};
  for (const { reference, repository, nearTags = [] } of absent) {
    const images = nearTags.map(tag => `${repository}:${tag}`);
    const { input } = await gateImages({ ...o, components: [], images, keepInput: true });
    found[reference] = (input?.components ?? []).filter(one => one.name === 'Unnamed');
  }
  return found;
}
