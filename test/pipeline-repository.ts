import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { frozenClock } from '../src/model/clock.ts';
import { type GeneratedPipelines, generatePipelines } from '../src/workflow/generate-pipelines.ts';

export const version = '1.2.3';
export const jobImage = `docker.io/library/node:24-bookworm@sha256:${'5'.repeat(64)}`;

export interface RepositoryWishes {
  readonly images?: readonly string[];
  readonly project?: object;
  /** Of the remote called origin. */
  readonly url?: string;
}

export const gitops = {
  repository: 'https://github.com/acme/deploy',
  environments: { dev: { path: 'overlays/dev' }, prod: { path: 'overlays/prod', from: 'dev' } },
};

/** A repository of images that each have a folder, with a job image for GitLab and an environment. */
export function makeRepository(o: RepositoryWishes = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'cg-pipelines-'));
  const entries = (o.images ?? ['api', 'web']).map(name => ({
    name,
    registry: 'ghcr.io',
    repository: `acme/shop/${name.toLowerCase()}`,
    dockerfile: `services/${name}/Dockerfile`,
    context: `services/${name}`,
  }));
  write(folder, 'images.yaml', JSON.stringify(entries));
  write(
    folder,
    '.cascadeguard.yaml',
    JSON.stringify(o.project ?? { ci: { image: jobImage }, scan: { require: '1-engine' }, gitops }),
  );
  git(folder, 'init', '--quiet', '--initial-branch=main');
  git(folder, 'remote', 'add', 'origin', o.url ?? 'https://github.com/acme/shop.git');
  return folder;
}

export function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

export function git(folder: string, ...args: readonly string[]): void {
  execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@noreply.invalid', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    stdio: 'pipe',
  });
}

export async function generate(
  cwd: string,
  o: Partial<Parameters<typeof generatePipelines>[0]> = {},
): Promise<GeneratedPipelines> {
  return await generatePipelines({
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd },
    platform: 'all',
    version,
    clock: frozenClock('2026-01-02T03:04:05Z'),
    mode: 'write',
    ...o,
  });
}
