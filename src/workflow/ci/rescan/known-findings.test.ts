import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KnownFindings } from './known-findings.ts';

const monday = '2026-11-23T00:00:00.000Z';
const tuesday = '2026-11-24T00:00:00.000Z';
let folder: string;
const path = () => join(folder, 'findings.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-known-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function learn(at: string, findings: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const known = await KnownFindings.open(folder);
  for (const [image, keys] of Object.entries(findings)) known.learn(image, keys, at);
  await known.save();
}

const read = async (image: string) => {
  const found = (await KnownFindings.open(folder)).of(image);
  return found === undefined ? undefined : Object.fromEntries(found);
};

describe('what is known of images', () => {
  it('is nothing at first, which is not the same as an image without findings', async () => {
    expect(await read('r/a')).toBeUndefined();
    await learn(monday, { 'r/a': [] });
    expect(await read('r/a')).toEqual({});
  });

  it('keeps since when something is known, and forgets what is gone', async () => {
    await learn(monday, { 'r/a': ['C-1 a 1', 'C-2 a 1'] });
    await learn(tuesday, { 'r/a': ['C-3 a 1', 'C-2 a 1'] });
    expect(await read('r/a')).toEqual({ 'C-2 a 1': monday, 'C-3 a 1': tuesday });
  });

  it('forgets images that run no more, and none that nobody could look at', async () => {
    await learn(monday, { 'r/a': ['C-1 a 1'], 'r/b': ['C-2 b 1'] });
    const known = await KnownFindings.open(folder);
    known.keep('r/a');
    known.keep('r/new');
    await known.save();
    expect(await read('r/a')).toEqual({ 'C-1 a 1': monday });
    expect([await read('r/b'), await read('r/new')]).toEqual([undefined, undefined]);
  });

  it('is the same bytes in any order, and is not written again when nothing was learnt', async () => {
    await learn(monday, { 'r/b': ['C-2 a 1', 'C-1 a 1'], 'r/a': [] });
    const [text, { ino }] = [readFileSync(path(), 'utf8'), statSync(path())];
    await learn(tuesday, { 'r/a': [], 'r/b': ['C-1 a 1', 'C-2 a 1'] });
    expect([readFileSync(path(), 'utf8'), statSync(path()).ino]).toEqual([text, ino]);
  });

  it.each(['{', '{}', '{"schema":"known-findings/v1","images":{"a":{"C-1 a 1":"yesterday"}}}'])(
    'is no guess when the file says %s',
    async text => {
      writeFileSync(path(), text);
      await expect(KnownFindings.open(folder)).rejects.toMatchObject({ code: 'FILE_INVALID' });
    },
  );
});
