import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { faultOf } from '../../../test/faults.ts';
import { changeBranch, type RefusedPush } from './change-branch.ts';

const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

it('gives up soon on a lock that a crashed push left behind, says each time why it waits, and what to remove', async () => {
  const root = mkdtempSync(join(tmpdir(), 'cg-lock-'));
  const [remote, work] = [join(root, 'remote.git'), join(root, 'work')];
  const git = (...args: readonly string[]) => execFileSync('git', args, { env, stdio: 'ignore' });
  git('init', '--quiet', '--bare', '--initial-branch=main', remote);
  git('clone', '--quiet', remote, work);
  writeFileSync(join(work, 'a'), '1');
  git('-C', work, 'add', 'a');
  git('-C', work, 'commit', '--quiet', '-m', 'one');
  git('-C', work, 'push', '--quiet', 'origin', 'HEAD:main');
  writeFileSync(join(remote, 'refs/heads/main.lock'), '');
  const heard: RefusedPush[] = [];
  const fault = await faultOf(
    changeBranch({
      remote,
      branch: 'main',
      env,
      author: { name: 'cg', email: 'cg@noreply.invalid' },
      plan: async () => ({ files: new Map([['a', '2']]), message: 'two' }),
      onRetry: (_attempt, refused) => heard.push(refused),
    }),
  );
  expect(fault).toMatchObject({ code: 'GIT_FAILED', next: expect.stringContaining('refs/heads/main.lock') });
  expect(heard.map(({ isLocked }) => isLocked)).toEqual([true, true, true, true]);
}, 30_000);
