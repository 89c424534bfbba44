import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diffTexts } from './unified-diff.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-diff-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a diff', () => {
  it('shows a changed line between three that stay', () => {
    expect(diffTexts('f', 'a\nb\nc\nd\ne\nf\ng\nh\n', 'a\nb\nc\nd\nE\nf\ng\nh\n')).toBe(
      '--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n',
    );
  });

  it('shows a new file, a removed one, and nothing for the same', () => {
    expect(diffTexts('f', undefined, 'a\n')).toBe('--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+a\n');
    expect(diffTexts('f', 'a\n', undefined)).toBe('--- a/f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n');
    expect(diffTexts('f', 'a\n', 'a\n')).toBe('');
  });

  it('makes one text of the other when Git applies it, whatever they are', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', '', ' d'), { maxLength: 30 })
      .chain(lines =>
        fc.boolean().map(ends => (lines.length === 0 ? '' : lines.join('\n') + (ends ? '\n' : ''))),
      );
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after && before !== '' && after !== '');
        writeFileSync(join(folder, 'f'), before);
        execFileSync('git', ['apply', '-'], {
          cwd: folder,
          input: diffTexts('f', before, after),
          stdio: 'pipe',
        });
        expect(readFileSync(join(folder, 'f'), 'utf8')).toBe(after);
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  it('is quick where nothing is alike', () => {
    const many = (letter: string) => Array.from({ length: 20_000 }, (_, at) => `${letter}${at}`).join('\n');
    expect(diffTexts('f', many('a'), many('b')).split('\n').length).toBeGreaterThan(40_000);
  });
});
