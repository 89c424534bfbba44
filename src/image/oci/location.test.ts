import { describe, expect, it } from 'vitest';
import { formatLocation, type Location, parseLocation, targetOf } from './location.ts';

const digest = `sha256:${'ab'.repeat(32)}` as const;
const parse = (text: string, ...existing: string[]): Location => {
  const parsed = parseLocation(text, path => existing.includes(path));
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
};

describe('parseLocation', () => {
  it.each([
    ['alpine:3', 'docker.io/library/alpine:3', '3'],
    ['docker://ghcr.io/you/web', 'ghcr.io/you/web', 'latest'],
    [`ghcr.io/you/web:1@${digest}`, `ghcr.io/you/web:1@${digest}`, digest],
    ['oci:./out', 'oci:./out', undefined],
    ['oci:./out:v1', 'oci:./out:v1', 'v1'],
    [`oci:/a/b@${digest}`, `oci:/a/b@${digest}`, digest],
    ['oci-archive:image.tar:v1', 'oci-archive:image.tar:v1', 'v1'],
    ['docker-archive:image.tar', 'docker-archive:image.tar', undefined],
    ['docker-archive:image.tar:web:1', 'docker-archive:image.tar:web:1', 'web:1'],
    ['docker-archive:image.tar:v1', 'docker-archive:image.tar:v1', 'v1'],
    ['oci:C:\\images', 'oci:C:\\images', undefined],
  ])('%s is %s, asked for %s', (text, canonical, target) => {
    const location = parse(text);
    expect([formatLocation(location), targetOf(location)]).toEqual([canonical, target]);
  });

  it('takes a path that exists with a colon as a path', () => {
    expect(parse('oci:./odd:name', './odd:name')).toEqual({ kind: 'oci', path: './odd:name' });
  });

  it.each([
    'hello.tar',
    'hello.tar:v1',
    'out/hello.tar.gz',
    './hello',
    '../x',
    '/abs',
    '~/x',
    '.',
    'C:\\x',
    './a:b',
  ])('says how %s is written, whether or not it is there', text => {
    expect(() => parse(text)).toThrow(`a folder is written oci:${text}, a file oci-archive:${text}`);
    expect(() => parse(text, text)).toThrow(`oci-archive:${text}`);
  });

  it('takes a repository with a host for one, whatever its name ends with', () => {
    expect(formatLocation(parse('ghcr.io/you/hello.tar:1'))).toBe('ghcr.io/you/hello.tar:1');
  });

  it.each(['web', 'ghcr.io/you/web', 'oci:./out', 'docker://web'])(
    'knows where the digest of %s goes',
    name => {
      expect(() => parse(`${name}:${digest}`)).toThrow('a digest follows "@", not ":"');
      expect(() => parse(`${name}:sha256:abc`)).toThrow('a digest follows "@", not ":"');
    },
  );

  it('says how to name a path', () => {
    expect(() => parse('./image.tar', './image.tar')).toThrow('oci-archive:./image.tar');
    expect(() => parse('image.tar', 'image.tar')).toThrow('docker-archive:image.tar');
  });

  it.each(['https://ghcr.io/you/web', 'oci:', 'oci:./out:.bad', 'Web', 'oci:a\0b'])('refuses %j', text => {
    expect(() => parse(text)).toThrow();
  });
});
