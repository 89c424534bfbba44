import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildRecord } from '../../test/build-places.ts';
import { faultOf } from '../../test/faults.ts';
import { makeProvenance } from './make-provenance.ts';

let folder: string;
let record: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-provenance-'));
  record = join(folder, 'build.json');
  writeFileSync(record, JSON.stringify(buildRecord));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };
const make = (more: object = {}) => makeProvenance({ record, env, cwd: folder, version: '1.0.0', ...more });
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=me', '-c', 'user.email=me@example.com', ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
  }).trim();

describe('provenance of a build on this machine', () => {
  it('names the commit, the base image by digest, and whether something was not committed', async () => {
    git('init', '--quiet', '--initial-branch=main');
    git('remote', 'add', 'origin', 'https://user:secret@git.example/shop/web.git');
    git('add', '.');
    git('commit', '--quiet', '-m', 'first');
    const commit = git('rev-parse', 'HEAD');
    const clean = await make();
    expect(clean.buildDefinition).toMatchObject({
      internalParameters: { dirty: false },
      resolvedDependencies: [
        { name: 'source', uri: 'git+https://git.example/shop/web', digest: { gitCommit: commit } },
        { uri: 'pkg:docker/node@24?platform=linux%2Famd64', digest: { sha256: '2'.repeat(64) } },
      ],
    });
    expect(JSON.stringify(clean)).not.toContain('secret');
    writeFileSync(join(folder, 'more'), '');
    expect((await make()).buildDefinition.internalParameters).toEqual({ dirty: true });
  });

  it('is not made up where there is no commit', async () => {
    expect(await faultOf(make())).toMatchObject({ code: 'PROVENANCE_INCOMPLETE' });
  });
});

describe('provenance of a job', () => {
  it.each([
    ['GitHub', { GITHUB_ACTIONS: 'true' }],
    ['GitLab', { GITLAB_CI: 'true' }],
  ])(
    'is recognised by its environment, and incomplete without its variables: %s',
    async (system, variables) => {
      const fault = await faultOf(make({ env: { ...env, ...variables } }));
      expect([fault.code, fault.message]).toEqual([
        'PROVENANCE_INCOMPLETE',
        expect.stringContaining(system === 'GitHub' ? 'GITHUB_' : 'CI_'),
      ]);
    },
  );

  it('says everything that is wrong with a record at once', async () => {
    writeFileSync(record, '{"image":"web","digest":"latest"}');
    const fault = await faultOf(make());
    expect(fault).toMatchObject({ code: 'FILE_INVALID', where: record });
    expect((fault as unknown as { faults: unknown[] }).faults.length).toBeGreaterThan(4);
  });
});
