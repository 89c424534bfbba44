import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createConfigRepository } from '../../../test/environments.ts';
import { faultOf } from '../../../test/faults.ts';
import type { Fault } from '../../ground/fault/fault.ts';
import { changeBranch, type RefusedPush } from './change-branch.ts';
import { removeLeftovers } from './temporary-folder.ts';

const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };

function writeTo(remote: string, onRetry?: (attempt: number, refused: RefusedPush) => void) {
  return changeBranch({
    remote,
    branch: 'main',
    env,
    author: { name: 'test', email: 'test@example.com' },
    plan: async () => ({ files: new Map([['note', 'x']]), message: 'Note' }),
    ...(onRetry !== undefined && { onRetry }),
  });
}

async function refusedBy(script: string): Promise<Fault & { readonly remote: string }> {
  const { remote } = createConfigRepository('');
  mkdirSync(join(remote, 'hooks'), { recursive: true });
  writeFileSync(join(remote, 'hooks/pre-receive'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return Object.assign(await faultOf(writeTo(remote)), { remote });
}

describe('a push that the remote does not take', () => {
  it('says in its own words why a hook declined, on one line, and that trying again is no way', async () => {
    const fault = await refusedBy('echo "no pushes on Friday" >&2; echo "ask Ada" >&2; exit 1');
    expect([fault.kind, fault.where]).toEqual(['remote', fault.remote]);
    expect(fault.actual).toMatch(/no pushes on Friday; ask Ada; .*pre-receive hook declined/);
    expect(fault.actual).not.toContain('\n');
    expect(fault.next).toMatch(/^the remote refuses this push/);
  });

  it('says whose disk is full', async () => {
    const fault = await refusedBy('echo "fatal: write error: No space left on device" >&2; exit 1');
    expect(fault.next).toMatch(/^make room where the remote keeps the repository/);
  });

  it('names the remote that is not there, in a command that runs', async () => {
    const remote = join(mkdtempSync(join(tmpdir(), 'cg-gone-')), 'it is gone.git');
    const fault = await faultOf(writeTo(remote));
    expect(fault.next).toBe(
      `correct the address, --repository URL or gitops.repository; this one says: git ls-remote '${remote}'`,
    );
  });

  it('is tried a few times when a lock stays, each told of at once, and ends with what to remove', async () => {
    const { remote } = createConfigRepository('');
    writeFileSync(join(remote, 'refs/heads/main.lock'), '');
    const told: boolean[] = [];
    const fault = await faultOf(writeTo(remote, (_, { isLocked }) => told.push(isLocked)));
    expect([fault.kind, told]).toEqual(['remote', [true, true, true, true]]);
    expect(fault.message).toContain('is locked at the remote');
    expect(fault.next).toContain('remove refs/heads/main.lock');
  }, 30_000);

  it('gets through when the lock was that of a living writer', async () => {
    const { remote, log } = createConfigRepository('');
    const lock = join(remote, 'refs/heads/main.lock');
    writeFileSync(lock, '');
    const done = await writeTo(remote, () => rmSync(lock, { force: true }));
    expect([done.pushed, done.attempts, log()[0]]).toEqual([true, 2, 'Note']);
  }, 30_000);
});

describe('what a killed process left in the folder for temporary files', () => {
  it('goes after a day, and nothing else does', async () => {
    const root = mkdtempSync(join(tmpdir(), 'cg-leftovers-'));
    const dead = Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }));
    const now = Date.now();
    const leave = (name: string, age: number) => {
      mkdirSync(join(root, name, 'objects'), { recursive: true });
      utimesSync(join(root, name), new Date(now - age), new Date(now - age));
    };
    const days = 3 * 24 * 60 * 60_000;
    leave(`cg-git-${dead}-abcdef`, days);
    leave(`cg-git-${dead}-young1`, 60_000);
    leave(`cg-git-${process.pid}-lives1`, days);
    leave('cg-git-abcdef', days);
    leave('another-9-abcdef', days);
    await removeLeftovers(root, now);
    const isThere = (name: string) => existsSync(join(root, name));
    expect(isThere(`cg-git-${dead}-abcdef`)).toBe(false);
    for (const name of [
      `cg-git-${dead}-young1`,
      `cg-git-${process.pid}-lives1`,
      'cg-git-abcdef',
      'another-9-abcdef',
    ])
      expect([name, isThere(name)]).toEqual([name, true]);
  });
});
