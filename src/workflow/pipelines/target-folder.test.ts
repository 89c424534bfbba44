import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTarget, writeTargets } from './target-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cg-targets-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('files that are written together', () => {
  it('are all there, with their folders and modes', async () => {
    await writeTargets(root, [
      { path: 'a/b/one', text: '1' },
      { path: 'two', text: '2', executable: true },
    ]);
    expect(readFileSync(join(root, 'a/b/one'), 'utf8')).toBe('1');
    expect(await readTarget(root, 'two')).toEqual({ text: '2', isExecutable: true });
    expect(statSync(join(root, 'a/b/one')).mode & 0o111).toBe(0);
    expect(await readTarget(root, 'a/b/three')).toBeUndefined();
  });

  it('are all as before when the last one cannot get its name', async () => {
    writeFileSync(join(root, 'old'), 'before');
    // A folder that came into the way after it was looked at.
    mkdirSync(join(root, 'late/inside'), { recursive: true });
    const files = [
      { path: 'old', text: 'after', before: 'before' },
      { path: 'new/one', text: '1' },
      { path: 'late', text: '2' },
    ];
    await expect(writeTargets(root, files)).rejects.toThrow();
    expect(readFileSync(join(root, 'old'), 'utf8')).toBe('before');
    expect(existsSync(join(root, 'new'))).toBe(false);
    expect(readdirSync(root).toSorted()).toEqual(['late', 'old']);
  });

  it('are none when a folder cannot be made, and what was made for the others is gone', async () => {
    writeFileSync(join(root, 'file'), '');
    const files = [
      { path: 'new/one', text: '1' },
      { path: 'file/two', text: '2' },
    ];
    await expect(writeTargets(root, files)).rejects.toThrow();
    expect(readdirSync(root)).toEqual(['file']);
  });

  it('are read as they are, and never more than a pipeline can be', async () => {
    writeFileSync(join(root, 'huge'), Buffer.alloc(5 * 1024 * 1024, '#'));
    expect((await readTarget(root, 'huge'))?.text).toBe('');
    mkdirSync(join(root, 'folder'));
    await expect(readTarget(root, 'folder')).rejects.toThrow('folder is no file');
    await expect(readTarget(root, 'huge/below')).rejects.toThrow('huge is no folder');
  });
});
