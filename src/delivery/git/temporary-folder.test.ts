import { existsSync, mkdirSync, mkdtempSync, symlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { removeLeftovers, withTemporaryFolder } from './temporary-folder.ts';

it('is gone afterwards, also when the work fails', async () => {
  let folder = '';
  const work = async (given: string) => {
    folder = given;
    throw new Error('no');
  };
  await expect(withTemporaryFolder(work)).rejects.toThrow('no');
  expect([folder !== '', existsSync(folder)]).toEqual([true, false]);
});

it('what killed processes left a day ago goes, and nothing else', async () => {
  const root = mkdtempSync(join(tmpdir(), 'cg-leftovers-'));
  const old = new Date(Date.now() - 2 * 24 * 3_600_000);
  // No process has a number that large.
  const names = { dead: 'cg-git-999999999-abcdef', fresh: 'cg-git-999999998-abcdef' };
  const living = `cg-git-${process.pid}-abcdef`;
  for (const name of [names.dead, names.fresh, living, 'cg-git-mine', 'other']) mkdirSync(join(root, name));
  for (const name of [names.dead, living, 'cg-git-mine', 'other']) utimesSync(join(root, name), old, old);
  symlinkSync(join(root, 'other'), join(root, 'cg-git-999999997-abcdef'));
  await removeLeftovers(root, Date.now());
  const left = [names.dead, names.fresh, living, 'cg-git-mine', 'other'].filter(name =>
    existsSync(join(root, name)),
  );
  expect(left).toEqual([names.fresh, living, 'cg-git-mine', 'other']);
});
