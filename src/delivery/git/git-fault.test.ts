import { describe, expect, it } from 'vitest';
import { gitFault } from './git-fault.ts';

const remote = 'https://bot:secret@git.example/shop/config.git';
const fault = (stderr: string) =>
  gitFault(['push', '--quiet'], { code: 1, stdout: Buffer.alloc(0), stderr: Buffer.from(stderr) }, remote);

describe('what Git could not do', () => {
  it.each([
    [
      'remote: no bumps on Friday\n ! [remote rejected] main (pre-receive hook declined)\n',
      /the remote refuses/,
    ],
    ['remote: fatal: write error: No space left on device\n', /where the remote keeps/],
    ['fatal: unable to write file: No space left on device\n', /TMPDIR/],
    ['fatal: Authentication failed for x\n', /CG_GITOPS_TOKEN/],
    ["fatal: repository 'x' not found\n", /--repository URL/],
    ['fatal: unable to access: Could not resolve host: git.example\n', /does not answer/],
    ['fatal: something new\n', /^git ls-remote /],
  ])('is told with a next step that fits: %j', (stderr, next) => {
    const { code, next: told } = fault(stderr);
    expect([code, told]).toEqual(['GIT_FAILED', expect.stringMatching(next)]);
  });

  it('is told on one line, with the remote filled in and without its password', () => {
    const { actual, where, next } = fault('remote: one\nhint: pull first\nfatal: two\n');
    expect(actual).toBe('exit code 1: one; fatal: two');
    expect([where, next].join(' ')).not.toContain('secret');
    expect(next).toMatch(/^git ls-remote \S*git\.example\/shop\/config\.git$/);
  });
});
