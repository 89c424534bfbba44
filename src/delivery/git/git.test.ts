import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Git } from './git.ts';

const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };

/** A folder of ordinary files, as a clone brings them, that Git takes for a repository whose settings run a program. */
function plant(folder: string): string {
  const mark = join(folder, 'ran');
  for (const name of ['objects', 'refs', 'wt']) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, '.keep'), '');
  }
  writeFileSync(join(folder, 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(
    join(folder, 'config'),
    `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = wt\n\tfsmonitor = "touch '${mark}'; false"\n`,
  );
  return mark;
}

const questions = [
  ['status', '--porcelain', '--', '.'],
  ['ls-files', '-z', '--others', '--', '.'],
  ['rev-parse', '--verify', '--quiet', 'HEAD'],
  ['diff', '--name-only', 'HEAD'],
];

describe('a folder that only looks like a repository', () => {
  it('runs its program when it is asked without care, so that this test can fail', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cg-git-'));
    const mark = plant(folder);
    try {
      execFileSync('git', ['status', '--porcelain'], { cwd: folder, env, stdio: 'ignore' });
    } catch {}
    expect(existsSync(mark)).toBe(true);
  });

  it.each(questions)('runs nothing when it is asked for git %s', async (...args) => {
    const folder = mkdtempSync(join(tmpdir(), 'cg-git-'));
    const mark = plant(folder);
    await new Git(folder, { env }).try(args);
    expect(existsSync(mark)).toBe(false);
  });

  it('is not the repository either when it lies in one', async () => {
    const root = mkdtempSync(join(tmpdir(), 'cg-git-'));
    execFileSync('git', ['init', '--quiet', root], { env });
    const mark = plant(join(root, 'app'));
    const { code, stdout } = await new Git(join(root, 'app'), { env }).try(['rev-parse', '--show-toplevel']);
    expect([code === 0 ? stdout.toString().trim() : root, existsSync(mark)]).toEqual([root, false]);
  });
});

it('a repository of our own without a work tree is one', async () => {
  const git = new Git(mkdtempSync(join(tmpdir(), 'cg-git-')), { env, isBare: true });
  await git.run(['init', '--quiet', '--bare']);
  expect(await git.text(['rev-parse', '--is-bare-repository'])).toBe('true');
});
