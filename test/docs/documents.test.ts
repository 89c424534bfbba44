import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findMissingLine, parseConsoleBlocks } from './console-block.ts';
import { findKustomize, runDocument } from './run-document.ts';

const root = join(import.meta.dirname, '../..');
const documents = [
  ...readdirSync(root).filter(file => file.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.md'))
    .map(file => `docs/${file}`),
].sort();
const withSteps = documents
  .map(file => {
    const text = readFileSync(join(root, file), 'utf8');
    const needsKustomize = text.includes('<!-- needs kustomize -->') && findKustomize() === undefined;
    return { file, steps: parseConsoleBlocks(text), missing: needsKustomize ? ' [needs kustomize]' : '' };
  })
  .filter(({ steps }) => steps.length > 0);

describe('documents', () => {
  for (const { file, steps, missing } of withSteps)
    it.skipIf(missing !== '')(`${file}${missing} does what its console blocks show`, async () => {
      const results = await runDocument(steps);
      for (const { step, exit, printed } of results) {
        const place = `${file}:${step.line}: ${step.command}`;
        expect({ place, exit, printed: exit === step.exit ? [] : printed }).toEqual({
          place,
          exit: step.exit,
          printed: [],
        });
        const missing = findMissingLine(step.expected, printed);
        expect({ place, missing, printed: missing === undefined ? [] : printed }).toEqual({
          place,
          missing: undefined,
          printed: [],
        });
      }
      expect(results.length).toBe(steps.length);
    });

  it.each(documents)('%s links only to files that are there', file => {
    const text = readFileSync(join(root, file), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(match => match[1] ?? '');
    expect(links.filter(link => !existsSync(join(root, dirname(file), link)))).toEqual([]);
  });

  it('ARCHITECTURE.md names only code that is there', () => {
    const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const named = [...text.matchAll(/`((?:src|test|scripts|docs|bench)\/[^`<*\s]*)/g)].map(
      match => match[1] ?? '',
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter(path => !existsSync(join(root, path)))).toEqual([]);
  });

  it('has the documents of a project', () => {
    for (const file of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'])
      expect(documents).toContain(file);
    expect(withSteps.map(({ file }) => file)).toContain('README.md');
  });
});

describe('the judge of documents', () => {
  it('sees a missing, a changed and a surplus line', () => {
    expect(findMissingLine(['a', 'b…d'], ['a', 'bcd'])).toBeUndefined();
    expect(findMissingLine(['a', '…', 'z'], ['a', 'b', 'c', 'z'])).toBeUndefined();
    expect(findMissingLine(['a', '…'], ['a', 'b'])).toBeUndefined();
    expect(findMissingLine([], ['anything'])).toBeUndefined();
    expect(findMissingLine(['a', 'x'], ['a', 'b'])).toBe('x');
    expect(findMissingLine(['a', 'b'], ['a'])).toBe('b');
    expect(findMissingLine(['a'], ['a', 'b'])).toContain('but there was "b"');
  });
});
