import { describe, expect, it } from 'vitest';
import { readIgnoreRules } from './ignore.ts';

function kept(rules: string, ...paths: string[]): string[] {
  const { isIgnored } = readIgnoreRules(rules);
  return paths.filter(path => !isIgnored(path));
}

describe('a .dockerignore', () => {
  it('leaves out files, folders and all below them', () => {
    expect(
      kept('node_modules\n*.log\n/dist/', 'node_modules/a/b', 'a.log', 'x/a.log', 'dist/x', 'src'),
    ).toEqual(['x/a.log', 'src']);
  });

  it('takes back what an exception names, the last rule deciding', () => {
    expect(kept('*\n!src\nsrc/*.tmp', 'a', 'src/a.ts', 'src/b.tmp')).toEqual(['src/a.ts']);
    expect(kept('*.md\n!README*.md\nREADME-secret.md', 'a.md', 'README.md', 'README-secret.md')).toEqual([
      'README.md',
    ]);
  });

  it('understands ** for any number of folders, none too', () => {
    expect(kept('**/*.pem\na/**/z', 'x.pem', 'a/b/x.pem', 'a/z', 'a/b/c/z', 'a/b')).toEqual(['a/b']);
  });

  it('ignores comments, spaces around and the dots of a path', () => {
    expect(kept('# x\n  ./a/../b  \n', '# x', 'a', 'b')).toEqual(['# x', 'a']);
  });

  it('knows classes and escaped characters', () => {
    expect(kept('[ab].txt\n[^c].md\n\\*', 'a.txt', 'c.txt', 'c.md', 'd.md', '*', 'x')).toEqual([
      'c.txt',
      'c.md',
      'x',
    ]);
  });

  it('says of a folder whether anything in it can come back', () => {
    expect(readIgnoreRules('a').mayHold('a')).toBe(false);
    expect(readIgnoreRules('a\n!a/b').mayHold('a')).toBe(true);
  });

  it('is never slow, whatever a pattern looks like', () => {
    const started = performance.now();
    expect(kept(`${'*a'.repeat(60)}b`, 'a'.repeat(250))).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
