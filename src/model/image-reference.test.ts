import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatImageReference,
  type ImageReference,
  isLoopbackHost,
  isRepositoryName,
  isTag,
  parseImageReference,
} from './image-reference.ts';

const hex = 'ab'.repeat(32);

function parse(text: string): ImageReference {
  const parsed = parseImageReference(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

function problem(text: string): string {
  const parsed = parseImageReference(text);
  return 'problem' in parsed ? parsed.problem : `(no problem: ${formatImageReference(parsed.value)})`;
}

describe('an image reference', () => {
  it.each([
    ['alpine', 'docker.io/library/alpine'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20'],
    ['grafana/grafana', 'docker.io/grafana/grafana'],
    ['docker.io/alpine', 'docker.io/library/alpine'],
    ['index.docker.io/library/alpine', 'docker.io/library/alpine'],
    ['registry-1.docker.io/a/b/c', 'docker.io/a/b/c'],
    ['localhost/web', 'localhost/web'],
    ['localhost:5000/web:1', 'localhost:5000/web:1'],
    ['127.0.0.1:5000/a/b:v1', '127.0.0.1:5000/a/b:v1'],
    ['[::1]:5000/web', '[::1]:5000/web'],
    ['[2001:db8::1]/web:1', '[2001:db8::1]/web:1'],
    ['ghcr.io/you/web', 'ghcr.io/you/web'],
    ['ghcr.io/you/web:Main_1.2-rc', 'ghcr.io/you/web:Main_1.2-rc'],
    ['registry.example.com:8443/a__b/c.d/e--f', 'registry.example.com:8443/a__b/c.d/e--f'],
    [`web@sha256:${hex}`, `docker.io/library/web@sha256:${hex}`],
    [`ghcr.io/you/web:1@sha256:${hex}`, `ghcr.io/you/web:1@sha256:${hex}`],
    [`ghcr.io/you/web@sha512:${hex}${hex}`, `ghcr.io/you/web@sha512:${hex}${hex}`],
    ['host:5000', 'docker.io/library/host:5000'],
    ['GHCR.io/you/web', 'ghcr.io/you/web'],
  ])('%s is %s', (text, canonical) => {
    expect(formatImageReference(parse(text))).toBe(canonical);
  });

  it('keeps a tag beside a digest, for people', () => {
    expect(parse(`a.example/b:1@sha256:${hex}`)).toEqual({
      registry: 'a.example',
      repository: 'b',
      tag: '1',
      digest: `sha256:${hex}`,
    });
  });

  it.each([
    ['', 'empty'],
    ['a.example/Web', 'upper-case letters; use "web"'],
    ['a.example/', 'repository is missing'],
    ['/web', 'not a repository'],
    ['a//b', 'not a repository'],
    ['a.example/b:', 'not legal'],
    ['a.example/b:.x', 'not legal'],
    [`a.example/b:${'x'.repeat(129)}`, 'not legal'],
    ['a.example/b@sha256:abc', '3 hexadecimal places instead of 64'],
    [`a.example/b@sha256:${hex.toUpperCase()}`, 'lower-case'],
    [`a.example/b@md5:${hex}`, 'is not a digest'],
    [`a.example/b@sha256:${hex}@sha256:${hex}`, 'more than one @'],
    ['a.example:0/b', 'not a registry host'],
    ['a.example:70000/b', 'not a registry host'],
    ['-a.example/b', 'not a registry host'],
    ['[::1/b', 'not a registry host'],
    ['https://a.example/b', ''],
    ['a.example/b c', 'not a repository'],
    ['a.example/../b', 'not a repository'],
    ['a.example/b\n', 'not a repository'],
    ['x'.repeat(2000), 'longer than'],
  ])('%j is not one: %s', (text, reason) => {
    expect(problem(text)).toContain(reason);
    expect(problem(text)).not.toContain('no problem');
  });

  it('is the same after printing and reading again', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,2})[a-z0-9]{1,4}){0,2}$/);
    const host = fc.oneof(
      fc.constantFrom('docker.io', 'localhost', 'localhost:5000', '127.0.0.1:1', '[::1]:65535', '[fd00::1]'),
      fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,3})?\.[a-z]{2,5}(:[1-9][0-9]{0,3})?$/),
    );
    const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);
    const reference = fc.record(
      {
        registry: host,
        path: fc.array(part, { minLength: 2, maxLength: 4 }),
        tag,
        digest: fc.constantFrom(`sha256:${hex}` as const, `sha512:${hex}${hex}` as const),
      },
      { requiredKeys: ['registry', 'path'] },
    );
    fc.assert(
      fc.property(reference, ({ path, ...rest }) => {
        const value = { ...rest, repository: path.join('/') };
        expect(parse(formatImageReference(value))).toEqual(value);
      }),
      { seed: 1, numRuns: 5000 },
    );
  });

  it('is never accepted in two spellings that print differently, and no text makes the parser throw', () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      '.',
      '/',
      ':',
      '@',
      '-',
      '_',
      '[',
      ']',
      '5000',
      'localhost',
      'docker.io',
      `sha256:${hex}`,
      ' ',
      '\u00e9',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), parts => {
        const parsed = parseImageReference(parts.join(''));
        if ('problem' in parsed) return;
        const printed = formatImageReference(parsed.value);
        expect(parse(printed)).toEqual(parsed.value);
      }),
      { seed: 2, numRuns: 20_000 },
    );
  });

  it('is checked in linear time', () => {
    const start = performance.now();
    parseImageReference(`a.example/${'a-'.repeat(500)}!`);
    isRepositoryName(`${'a'.repeat(250)}!`);
    isRepositoryName('a/'.repeat(127));
    isTag('x'.repeat(1e6));
    parseImageReference(`${'a-'.repeat(400)}.example/x`);
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('isLoopbackHost', () => {
  it.each([
    'localhost',
    'LOCALHOST:5000',
    'registry.localhost',
    '127.0.0.1',
    '127.1.2.3:80',
    '[::1]',
    '[::1]:5000',
  ])('%s', host => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each(['localhost.example.com', '128.0.0.1', '127.0.0.1.example.com', '10.0.0.1', '[::2]'])(
    'not %s',
    host => {
      expect(isLoopbackHost(host)).toBe(false);
    },
  );
});
