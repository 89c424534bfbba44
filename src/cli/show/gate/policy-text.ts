import type { GatedImages } from '../../../workflow/gate-image.ts';

type Policy = GatedImages['policy'];

/** The policy as reports repeat it, in the words of its file. */
export function formatPolicy({ name, publicKey, identities, sources }: Policy): object {
  const [identity] = identities;
  const { claims: _claims, ...known } = identity ?? {};
  return {
    ...(name !== undefined && { name }),
    ...(publicKey !== undefined && { publicKey }),
    ...(identity !== undefined && { identity: known }),
    ...(sources.length > 0 && { sources: sources.map(formatSource) }),
  };
}

function formatSource({
  name,
  policy,
  data,
  ruleData,
  include,
  exclude,
  volatileInclude,
  volatileExclude,
}: Policy['sources'][number]): object {
  const lists = (a: readonly unknown[], b: readonly unknown[]) => ({
    ...(a.length > 0 && { include: a }),
    ...(b.length > 0 && { exclude: b }),
  });
  const config = lists(include, exclude);
  const volatileConfig = lists(volatileInclude, volatileExclude);
  return {
    ...(name !== undefined && { name }),
    policy,
    ...(data.length > 0 && { data }),
    ...(Object.keys(ruleData).length > 0 && { ruleData }),
    ...(Object.keys(config).length > 0 && { config }),
    ...(Object.keys(volatileConfig).length > 0 && { volatileConfig }),
  };
}
