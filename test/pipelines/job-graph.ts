import { parse } from 'yaml';

interface GithubJob {
  readonly needs?: string | readonly string[];
}

interface GitlabJob {
  readonly extends?: string;
  readonly needs?: readonly { readonly job: string }[];
  readonly dependencies?: readonly string[];
  readonly rules?: readonly { readonly if: string; readonly changes?: object }[];
}

/** What is wrong with the order of the jobs of a workflow. */
export function problemsOfWorkflow(text: string): readonly string[] {
  const { jobs } = parse(text) as { jobs: Record<string, GithubJob> };
  return problemsOfGraph(new Map(Object.entries(jobs).map(([id, { needs = [] }]) => [id, [needs].flat()])));
}

/**
 * What is wrong with the order of the jobs of a GitLab pipeline, for each of its events: a job that is needed must be
 * there whenever the one that needs it is.
 */
export function problemsOfGitlab(text: string): readonly string[] {
  const all = Object.entries(parse(text) as Record<string, GitlabJob>).filter(
    ([name]) => !name.startsWith('.'),
  );
  const events = new Set(all.flatMap(([, { rules = [] }]) => rules.map(rule => rule.if)));
  return [...events].flatMap(event => {
    const there = all.filter(([, { rules = [] }]) => rules.some(rule => rule.if === event));
    const needs = ([name, job]: [string, GitlabJob]): [string, readonly string[]] => [
      name,
      [...(job.needs ?? []).map(one => one.job), ...(job.dependencies ?? [])],
    ];
    const conditional = there
      .filter(([, job]) => job.rules?.some(rule => rule.changes !== undefined))
      .map(([name]) => name);
    const needed = there.flatMap(one => needs(one)[1]);
    return [
      ...problemsOfGraph(new Map(there.map(needs))),
      ...conditional
        .filter(name => needed.includes(name))
        .map(name => `${name} is needed, and is not always there`),
    ];
  });
}

export function problemsOfGraph(needs: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const problems = [...needs].flatMap(([id, wanted]) =>
    wanted.filter(one => !needs.has(one)).map(one => `${id} needs ${one}, which is not there`),
  );
  const done = new Set<string>();
  for (let before = -1; before < done.size; ) {
    before = done.size;
    for (const [id, wanted] of needs) if (wanted.every(one => done.has(one) || !needs.has(one))) done.add(id);
  }
  const waiting = [...needs.keys()].filter(id => !done.has(id));
  return waiting.length === 0 ? problems : [...problems, `these wait for each other: ${waiting.join(', ')}`];
}
