import { nearest } from '../../model/nearest.ts';
import { isKnownRuleSource, type Policy, type PolicySource } from './policy.ts';
import { allRules, packages, unreadRuleData } from './rules/all.ts';
import { isSelected, nameIn, packageOf } from './select.ts';

/** Something that a policy asks for and cg cannot do: then there is no verdict, rather than half of one. */
export interface PolicyProblem {
  /** Index of the source, and the path below it. */
  readonly source: number;
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function problemsOfPolicy(
  { sources }: Policy,
  o: { readonly allowUnmatched?: boolean } = {},
): PolicyProblem[] {
  return sources.flatMap((source, index) =>
    [
      ...problemsOfOrigin(source),
      ...(o.allowUnmatched === true ? [] : problemsOfNames(source)),
      ...problemsOfEverything(source),
      ...problemsOfRuleData(source),
    ].map(problem => ({ source: index, ...problem })),
  );
}

type Found = Omit<PolicyProblem, 'source'>;

/** Rules of others would have to be run; only the rules of the known set are known by name. */
function problemsOfOrigin({ policy, data }: PolicySource): Found[] {
  return [
    ...policy.flatMap((url, at) =>
      isKnownRuleSource(url)
        ? []
        : [
            {
              path: ['policy', at],
              message: `rules from ${url.slice(0, 200)} would have to be run as Rego, and cg does not do that`,
            },
          ],
    ),
    ...data.map((url, at) => ({
      path: ['data', at],
      message: `data from ${url.slice(0, 200)} is not fetched; put what the rules need under ruleData`,
    })),
  ];
}

function problemsOfNames(source: PolicySource): Found[] {
  const lists = [
    ...source.include.map((entry, at) => ({ entry, path: ['config', 'include', at] })),
    ...source.exclude.map((entry, at) => ({ entry, path: ['config', 'exclude', at] })),
    ...source.volatileInclude.map(({ value }, at) => ({
      entry: value,
      path: ['volatileConfig', 'include', at, 'value'],
    })),
    ...source.volatileExclude.map(({ value }, at) => ({
      entry: value,
      path: ['volatileConfig', 'exclude', at, 'value'],
    })),
  ];
  return lists.flatMap(({ entry, path }) => {
    const isExclusion = path[1] === 'exclude';
    const message = problemOfName(nameIn(entry), isExclusion);
    return message === undefined ? [] : [{ path, message }];
  });
}

const ownCollection = '@cascadeguard';

function problemOfName(name: string, isExclusion: boolean): string | undefined {
  const plain = name.endsWith('.*') ? name.slice(0, -2) : name;
  if (
    name === '*' ||
    name === ownCollection ||
    packages.includes(plain) ||
    allRules.some(({ code }) => code === plain)
  )
    return undefined;
  // Leaving out what cg does not have anyway changes nothing, when it is a name of the known form.
  if (name.startsWith('@'))
    return isExclusion
      ? undefined
      : `the collection "${name}" holds rules that cg does not have; include rules by their names`;
  const names = [...packages, ...allRules.map(({ code }) => code), ownCollection];
  const meant = nearest(name, names);
  return `there is no rule "${name.slice(0, 100)}"${meant === undefined ? ' in cg' : `; did you mean "${meant}"?`}`;
}

/** A list that includes everything includes rules that cg does not have. */
function problemsOfEverything({ policy, include, volatileInclude }: PolicySource): Found[] {
  const isAll = include.length === 0 && volatileInclude.length === 0;
  if (!(include.includes('*') || (isAll && policy.length > 0))) return [];
  return [
    {
      path: isAll ? [] : ['config', 'include'],
      message:
        'every rule there is is included, and cg does not have all of them; include rules by their names',
    },
  ];
}

function problemsOfRuleData(source: PolicySource): Found[] {
  const include =
    source.include.length + source.volatileInclude.length === 0
      ? ['*']
      : [...source.include, ...source.volatileInclude.map(({ value }) => nameIn(value))];
  const asked = new Set(
    allRules
      .filter(rule => isSelected(rule, [], { include, exclude: [] }))
      .map(({ code }) => packageOf(code)),
  );
  return Object.entries(unreadRuleData)
    .filter(
      ([key, rule]) =>
        Object.hasOwn(source.ruleData, key) && [...asked].some(name => rule.includes(`${name}.`)),
    )
    .map(([key, rule]) => ({
      path: ['ruleData', key],
      message: `"${key}" asks for ${rule}, which cg does not have`,
    }));
}
