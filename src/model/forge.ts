/** Where repositories are, and the CI that builds from them. A new one begins here: what is missing does not compile. */
export const forges = ['github', 'gitlab'] as const;
export type Forge = (typeof forges)[number];

/** On whose CI this process runs, as the variables of the job say; undefined on a laptop. */
export function forgeOfJob(env: Readonly<Record<string, string | undefined>>): Forge | undefined {
  if (env['GITHUB_ACTIONS'] === 'true') return 'github';
  return env['GITLAB_CI'] === 'true' ? 'gitlab' : undefined;
}
