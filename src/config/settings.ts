import { join, relative } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import { configFolder } from '../ground/store/user-folders.ts';
import { ProjectFile } from './project-file.ts';
import { type ReadConfig, readConfig } from './read-config.ts';
import { isMapping } from './text-types.ts';

export type Layer = 'flag' | 'environment' | 'project' | 'user' | 'default';

export interface Setting {
  readonly key: string;
  readonly value: unknown;
  readonly origin: Layer;
  /** The variable, or file:line:column; empty for a default. */
  readonly place?: string;
}

export const projectFileName = '.cascadeguard.yaml';

/** Values that hold where nobody says anything. */
export const defaultSettings: Readonly<Record<string, unknown>> = {
  'ci.platform': 'github',
  'ci.layout': 'cg',
  'quarantine.period': '48h',
  'quarantine.select': 'newest-eligible',
  'check.state.destination': 'main',
  'check.promote.enabled': true,
  'check.promote.destination': 'pr',
  'check.allowUnreachable': false,
  'check.tags.scope': 'same-major',
  'tools.check.registries.github.token_env': 'GITHUB_TOKEN',
  'git.remote': 'origin',
  'kargo.namespace': 'cascadeguard-kargo',
};

/** Settings that an environment variable may give. */
export const environmentSettings: Readonly<Record<string, string>> = {
  'cli.exitCodes': 'CASCADEGUARD_EXIT_CODES',
  'git.baseBranch': 'CG_GIT_BASE_BRANCH',
  'quarantine.period': 'CG_QUARANTINE_PERIOD',
};

export interface SettingsInput {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What flags of the command line set, by key. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly projectFile?: string;
}

/** Every setting once, the nearest layer first: flag, environment, project file, user file, default. */
export async function readSettings(input: SettingsInput): Promise<readonly Setting[]> {
  const userFile = join(configFolder(input.env), 'config.yaml');
  const [project, user] = await Promise.all([
    readConfig(input.projectFile ?? join(input.cwd, projectFileName), ProjectFile),
    readConfig(userFile, ProjectFile),
  ]);
  const layers = [
    Object.entries(input.flags ?? {}).map(([key, value]) => ({ key, value, origin: 'flag' as const })),
    fromEnvironment(input.env),
    fromFile(project, 'project', input.cwd),
    fromFile(user, 'user', input.cwd),
    Object.entries(defaultSettings).map(([key, value]) => ({ key, value, origin: 'default' as const })),
  ];
  const settings = new Map<string, Setting>();
  for (const setting of layers.flat()) if (!settings.has(setting.key)) settings.set(setting.key, setting);
  return [...settings.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function fromEnvironment(env: SettingsInput['env']): Setting[] {
  return Object.entries(environmentSettings).flatMap(([key, variable]) => {
    const text = env[variable];
    if (text === undefined || text === '') return [];
    return [
      { key, value: checkAsInFile(key, text, variable), origin: 'environment' as const, place: variable },
    ];
  });
}

/** A variable is held to what its key may be in the project file; a wrong one never counts as nothing. */
function checkAsInFile(key: string, text: string, variable: string): unknown {
  const path = key.split('.');
  const written = path.reduceRight<unknown>((value, name) => ({ [name]: value }), text);
  const parsed = ProjectFile.safeParse(written);
  if (parsed.success)
    return path.reduce<unknown>((value, name) => (isMapping(value) ? value[name] : undefined), parsed.data);
  throw new Fault('USAGE', {
    what: `the variable ${variable} is not what ${key} may be`,
    where: variable,
    expected: parsed.error.issues.map(({ message }) => message).join('; '),
    actual: text.slice(0, 100),
    next: `set ${variable} anew, or unset it`,
  });
}

function fromFile(config: ReadConfig<ProjectFile> | undefined, origin: Layer, cwd: string): Setting[] {
  if (config === undefined) return [];
  const inside = relative(cwd, config.file);
  const shown = inside.startsWith('..') ? config.file : inside;
  return leaves(config.value, []).map(({ path, value }) => {
    const { line, column } = config.yaml.locate(path);
    return { key: path.join('.'), value, origin, place: `${shown}:${line}:${column}` };
  });
}

function leaves(value: unknown, path: readonly string[]): { path: readonly string[]; value: unknown }[] {
  if (!isMapping(value)) return value === undefined ? [] : [{ path, value }];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
}
