import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFolderOwner, lockFolder } from './folder-lock.ts';

describe('a folder lock', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cg-lock-'));
    path = join(folder, 'owner.lock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (owner: Record<string, unknown>): void =>
    writeFileSync(path, JSON.stringify({ host: hostname(), purpose: 'test', since: 'then', ...owner }));

  it('has one owner until it is released', () => {
    const lock = lockFolder(folder, 'first');
    expect(findFolderOwner(folder)).toMatchObject({ pid: process.pid, purpose: 'first' });
    expect(() => lockFolder(folder, 'second')).toThrow(
      expect.objectContaining({ code: 'FOLDER_IN_USE', message: expect.stringContaining('first') as string }),
    );
    lock.release();
    expect(findFolderOwner(folder)).toBeUndefined();
    lockFolder(folder, 'third').release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('names another process that lives', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      write({ pid: other.pid });
      expect(() => lockFolder(folder, 'mine')).toThrow(new RegExp(`process ${other.pid} `));
    } finally {
      other.kill('SIGKILL');
      await new Promise(resolve => other.once('exit', resolve));
    }
    lockFolder(folder, 'mine').release();
  });

  it('is taken over from a process that is dead', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    write({ pid });
    const lock = lockFolder(folder, 'mine');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
    lock.release();
  });

  it.skipIf(process.platform !== 'linux')('is taken over when the pid was given to another process', () => {
    write({ pid: process.pid, started: '1' });
    lockFolder(folder, 'mine').release();
  });

  it('of another host is respected while its heartbeat is fresh, and no longer', () => {
    write({ pid: 1, host: 'elsewhere' });
    expect(() => lockFolder(folder, 'mine')).toThrow(/process 1 /);
    const old = Date.now() / 1000 - 3_600;
    utimesSync(path, old, old);
    lockFolder(folder, 'mine').release();
  });

  it('of another container or machine with the same host name is judged by its heartbeat, not by its pid', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    write({ pid, space: 'another-boot/pid:[1]' });
    expect(() => lockFolder(folder, 'mine')).toThrow(new RegExp(`process ${pid} `));
    const old = Date.now() / 1000 - 3_600;
    utimesSync(path, old, old);
    lockFolder(folder, 'mine').release();
  });

  it('that nobody can read is judged by its age', () => {
    writeFileSync(path, '');
    expect(() => lockFolder(folder, 'mine')).toThrow(expect.objectContaining({ code: 'FOLDER_IN_USE' }));
    const old = Date.now() / 1000 - 3_600;
    utimesSync(path, old, old);
    lockFolder(folder, 'mine').release();
  });

  it('does not remove a lock that is no longer its own', () => {
    const lock = lockFolder(folder, 'mine');
    write({ pid: 1, host: 'elsewhere' });
    lock.release();
    expect(readdirSync(folder)).toEqual(['owner.lock']);
  });

  it('is won by exactly one of many processes that find a dead owner', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    write({ pid });
    const program = join(import.meta.dirname, 'folder-lock.ts');
    const script = `import { lockFolder } from ${JSON.stringify(program)};
      try { lockFolder(${JSON.stringify(folder)}, 'race'); console.log('won'); } catch (error) { console.log(error.code); }
      process.stdin.resume(); process.stdin.on('end', () => process.exit());`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        cwd: import.meta.dirname,
      }),
    );
    const answers = await Promise.all(
      children.map(
        child =>
          new Promise<string>(resolve =>
            child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim())),
          ),
      ),
    );
    for (const child of children) child.stdin.end();
    await Promise.all(children.map(child => new Promise(resolve => child.once('exit', resolve))));
    expect(answers.sort()).toEqual(['FOLDER_IN_USE', 'FOLDER_IN_USE', 'FOLDER_IN_USE', 'won']);
  });
});
