import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNamedText } from './named-text.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-named-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a text that the user named', () => {
  it('is read whole', async () => {
    writeFileSync(join(folder, 'key'), 'größer');
    expect(await readNamedText(join(folder, 'key'), { what: 'the key' })).toBe('größer');
  });

  it('may be a pipe', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reading = readNamedText(pipe, { what: 'the key' });
    const writer = await open(pipe, 'w');
    await writer.writeFile('from a pipe');
    await writer.close();
    expect(await reading).toBe('from a pipe');
  });

  it('that has no end is given up at the limit', async () => {
    await expect(readNamedText('/dev/zero', { what: 'the key', limit: 100_000 })).rejects.toMatchObject({
      code: 'FILE_INVALID',
      message: 'the key is too large',
    });
  });

  it.each([
    ['is not there', () => join(folder, 'nothing')],
    ['is a folder', () => folder],
  ])('that %s is said to be unreadable', async (_what, path) => {
    await expect(readNamedText(path(), { what: 'the key', next: 'cg help' })).rejects.toMatchObject({
      code: 'FILE_MISSING',
      next: 'cg help',
    });
  });
});
