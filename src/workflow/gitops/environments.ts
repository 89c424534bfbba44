import { dirname, resolve } from 'node:path';
import { ProjectFile } from '../../config/project-file.ts';
import { readConfig } from '../../config/read-config.ts';
import { projectFileName } from '../../config/settings.ts';
import { type Author, Git } from '../../delivery/git/git.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { durationOf } from '../../model/duration.ts';
import { nearest } from '../../model/nearest.ts';

/** A place where images run, as Git describes it. */
export interface Environment {
  readonly name: string;
  /** Folder of its kustomization in the repository. */
  readonly path: string;
  readonly from?: string;
  /** Milliseconds. */
  readonly soak: number;
  readonly policy?: string;
  readonly promotion?: string;
}

export interface Deployment {
  readonly repository: string;
  readonly branch: string;
  readonly author: Author;
  /** In the order in which images pass through them. */
  readonly environments: readonly Environment[];
}

export interface DeploymentChoice {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config?: string;
  /** Instead of what the project file says. */
  readonly repository?: string;
  readonly branch?: string;
  readonly signal?: AbortSignal;
}

const botAuthor: Author = { name: 'cascadeguard[bot]', email: 'cascadeguard-bot@noreply.invalid' };

/** Which environments there are and where they are described; policies are files beside the project file. */
export async function readDeployment(o: DeploymentChoice): Promise<Deployment> {
  const { project, environments } = await readProject(o);
  const gitops = project?.gitops;
  return {
    repository: o.repository ?? gitops?.repository ?? (await originOf(o)),
    branch: o.branch ?? gitops?.branch ?? 'main',
    author: readAuthor(project?.git?.author),
    environments,
  };
}

/** The environments alone, for what needs no repository. */
export async function readEnvironments(
  o: Pick<DeploymentChoice, 'cwd' | 'config'>,
): Promise<Pick<Deployment, 'environments'>> {
  return { environments: (await readProject(o)).environments };
}

async function readProject(
  o: Pick<DeploymentChoice, 'cwd' | 'config'>,
): Promise<{ readonly project: ProjectFile | undefined; readonly environments: readonly Environment[] }> {
  const file = resolve(o.cwd, o.config ?? projectFileName);
  const project = (await readConfig(file, ProjectFile))?.value;
  const environments = Object.entries(project?.gitops?.environments ?? {}).map(
    ([name, environment]): Environment => ({
      name,
      path: environment.path,
      soak: durationOf(environment.soak),
      ...(environment.from !== undefined && { from: environment.from }),
      ...(environment.policy !== undefined && { policy: resolve(dirname(file), environment.policy) }),
      ...(environment.promotion !== undefined && {
        promotion: resolve(dirname(file), environment.promotion),
      }),
    }),
  );
  checkOrder(environments, file);
  return { project, environments };
}

export function findEnvironment(
  { environments }: Pick<Deployment, 'environments'>,
  name: string,
): Environment {
  const found = environments.find(environment => environment.name === name);
  if (found !== undefined) return found;
  const names = environments.map(environment => environment.name);
  const near = nearest(name, names);
  throw new Fault('USAGE', {
    what: names.length === 0 ? 'no environments are described' : `there is no environment "${name}"`,
    where: projectFileName,
    expected:
      names.length === 0 ? 'gitops: { environments: { dev: { path: overlays/dev } } }' : names.join(', '),
    next: /[/@:]/.test(name)
      ? 'name the environment first, and then the image'
      : near === undefined
        ? `add it below gitops.environments in ${projectFileName}`
        : `did you mean ${near}?`,
  });
}

/** The environment before: the one that is named, else the one above in the file. */
export function environmentBefore(
  { environments }: Deployment,
  environment: Environment,
): Environment | undefined {
  if (environment.from !== undefined) return environments.find(({ name }) => name === environment.from);
  return environments[environments.indexOf(environment) - 1];
}

function checkOrder(environments: readonly Environment[], file: string): void {
  for (const { name, from } of environments) {
    if (from === undefined || environments.some(other => other.name === from && from !== name)) continue;
    throw new Fault('FILE_INVALID', {
      what: `the environment ${name} comes from "${from}", which is not described`,
      where: file,
      expected: environments.map(other => other.name).join(', '),
    });
  }
}

async function originOf({ cwd, env, signal }: DeploymentChoice): Promise<string> {
  const git = new Git(cwd, { env, ...(signal !== undefined && { signal }) });
  const { code, stdout } = await git.try(['config', '--get', 'remote.origin.url']);
  const url = stdout.toString('utf8').trim();
  if (code === 0 && url !== '') return url;
  throw new Fault('USAGE', {
    what: 'no repository of environments is named, and this folder has no remote called origin',
    where: cwd,
    next: `--repository URL, or gitops: { repository: URL } in ${projectFileName}`,
  });
}

/** `Name <mail>` */
export function readAuthor(text: string | undefined): Author {
  const match = /^\s*([^<>\n]{1,200}?)\s*<([^<>\s]{3,200})>\s*$/.exec(text ?? '');
  return match?.[1] === undefined || match[2] === undefined ? botAuthor : { name: match[1], email: match[2] };
}
