import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface ConfigRepository {
  /** The bare repository. */
  readonly remote: string;
  /** A folder with a `.cascadeguard.yaml` that names it. */
  readonly project: string;
  show(path: string): string;
  log(): readonly string[];
  message(): string;
}

export const environmentNames = ['dev', 'staging', 'prod'] as const;

/** A repository of environments, each with a kustomization that can be built. */
export function createConfigRepository(
  images: string,
  o: { readonly environments?: string } = {},
): ConfigRepository {
  const folder = mkdtempSync(join(tmpdir(), 'cg-config-'));
  const [remote, work, project] = [join(folder, 'config.git'), join(folder, 'work'), join(folder, 'project')];
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], {
      cwd,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', remote]);
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', work]);
  const files: Record<string, string> = {
    'base/kustomization.yaml': 'resources: [app.yaml]\n',
    'base/app.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: web, image: shop/web}\n      - {name: api, image: shop/api}\n',
  };
  for (const name of environmentNames)
    files[`overlays/${name}/kustomization.yaml`] =
      `# the ${name} environment\nresources: [../../base]\nimages:\n${images}`;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), text);
  }
  git(work, 'add', '-A');
  git(work, 'commit', '--quiet', '-m', 'Begin');
  git(work, 'push', '--quiet', remote, 'main');
  mkdirSync(project);
  const environments =
    o.environments ?? environmentNames.map(name => `    ${name}: { path: overlays/${name} }\n`).join('');
  writeFileSync(
    join(project, '.cascadeguard.yaml'),
    `gitops:\n  repository: ${remote}\n  environments:\n${environments}`,
  );
  return {
    remote,
    project,
    show: path => git(remote, 'show', `main:${path}`),
    log: () => git(remote, 'log', '--format=%s', 'main').trim().split('\n'),
    message: () => git(remote, 'log', '-1', '--format=%B', 'main'),
  };
}
