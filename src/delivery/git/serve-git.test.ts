import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultOf } from '../../../test/faults.ts';
import { type GitServer, serveGit } from './serve-git.ts';

const git = promisify(execFile);
let folder: string;
let server: GitServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cg-serve-git-'));
  server = await serveGit(join(folder, 'repositories'), process.env);
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the Git server of this machine', () => {
  it('takes pushes and gives clones, and keeps a repository that is created again', async () => {
    const url = await server.create('shop');
    const work = join(folder, 'work');
    await git('git', ['init', '--quiet', '--initial-branch=main', work]);
    // More than a request that Git sends without asking twice.
    await writeFile(join(work, 'large'), Buffer.alloc(2_000_000, 'x'));
    await git('git', ['-C', work, 'add', '-A']);
    await git('git', [
      '-C',
      work,
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@example.com',
      'commit',
      '--quiet',
      '-m',
      'one',
    ]);
    await git('git', ['-C', work, 'push', '--quiet', url, 'main']);
    await server.create('shop');
    await git('git', ['clone', '--quiet', url, join(folder, 'clone')]);
    const { stdout } = await git('git', ['-C', join(folder, 'clone'), 'log', '--format=%s']);
    expect(stdout.trim()).toBe('one');
  });

  it('answers nobody who comes through a page in a browser, and only for repositories', async () => {
    const url = await server.create('shop');
    const ask = async (path: string, o: RequestInit = {}) => (await fetch(path, o)).status;
    expect(await ask(`${url}/info/refs?service=git-upload-pack`)).toBe(200);
    expect(
      await ask(`${url}/info/refs?service=git-upload-pack`, { headers: { origin: 'https://evil.example' } }),
    ).toBe(403);
    expect(await ask(`${url}/config`)).toBe(404);
    expect(await ask(`${server.url}/../../etc/passwd`)).toBe(404);
    expect(await ask(`${server.url}/none.git/info/refs?service=git-upload-pack`)).toBe(404);
    expect(await ask(`${url}/git-upload-pack`, { method: 'DELETE' })).toBe(405);
    expect((await faultOf(server.create('../x'))).code).toBe('USAGE');
  });
});
