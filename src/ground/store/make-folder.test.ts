import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { faultOf } from '../../../test/faults.ts';
import { lockFolder } from './folder-lock.ts';
import { makeFolder, makeFolderSync } from './make-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-folder-'));
afterAll(() => rmSync(root, { recursive: true }));

const sync = (path: string): Promise<void> => Promise.resolve().then(() => makeFolderSync(path));

describe.each([
  ['makeFolder', makeFolder],
  ['makeFolderSync', sync],
])('%s', (name, make) => {
  it('makes what is missing, and takes what is there', async () => {
    const path = join(root, name, 'a/b/c');
    await make(path);
    await make(path);
    expect(statSync(path).isDirectory()).toBe(true);
    symlinkSync(path, join(root, `${name}-link`));
    await make(join(root, `${name}-link`, 'd'));
    expect(existsSync(join(path, 'd'))).toBe(true);
  });

  it.runIf(process.platform === 'linux').each(['/proc/nope', '/proc/nope/deeper/still', '/sys/nope'])(
    'gives up on %s at once',
    async path => {
      expect((await faultOf(make(path))).code).toBe('WRITE_FAILED');
    },
  );

  it('says what in the path is no folder, and what is wrong with a name', async () => {
    const file = join(root, `${name}-file`);
    writeFileSync(file, '');
    for (const path of [file, join(file, 'x'), join(file, 'x/y')]) {
      expect(await faultOf(make(path))).toMatchObject({
        code: 'WRITE_FAILED',
        message: `${file} is not a folder`,
      });
    }
    expect((await faultOf(make(join(root, 'x'.repeat(300))))).message).toContain('the name is too long');
    const circle = join(root, `${name}-circle`);
    symlinkSync(circle, circle);
    expect((await faultOf(make(join(circle, 'x')))).code).toBe('WRITE_FAILED');
  });
});

it('a folder lock in an impossible place is a fault', () => {
  expect(() => lockFolder('/dev/null/x', 'a test')).toThrow('/dev/null is not a folder');
});
