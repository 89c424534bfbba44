import { relative } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Layout } from '../storage/layout.ts';
import { parseRoute, type Route } from './route.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const upload = '3f2b6f1e-7c4d-4a5b-9e8f-0123456789ab';

describe('a route', () => {
  it.each<[string, Route]>([
    ['/v2/', { kind: 'base' }],
    ['/v2', { kind: 'base' }],
    ['/healthz', { kind: 'health' }],
    ['/v2/_catalog', { kind: 'catalog' }],
    ['/v2/a/tags/list', { kind: 'tags', repository: 'a' }],
    ['/v2/a/b/manifests/v1', { kind: 'manifest', repository: 'a/b', reference: { tag: 'v1' } }],
    ['/v2/a/blobs/uploads/', { kind: 'uploads', repository: 'a' }],
    ['/v2/a/blobs/uploads', { kind: 'uploads', repository: 'a' }],
    [`/v2/a/blobs/uploads/${upload}`, { kind: 'upload', repository: 'a', upload }],
    // Repositories may be called like endpoints.
    [
      '/v2/blobs/uploads/manifests/list',
      { kind: 'manifest', repository: 'blobs/uploads', reference: { tag: 'list' } },
    ],
    ['/v2/manifests/tags/list', { kind: 'tags', repository: 'manifests' }],
    ['/v2/x/blobs/uploads/tags/list', { kind: 'tags', repository: 'x/blobs/uploads' }],
  ])('%s is read', (path, route) => {
    expect(parseRoute('GET', path)).toEqual(route);
  });

  it('reads an encoded colon, once', () => {
    const path = `/v2/a/blobs/${digest.replace(':', '%3A')}`;
    expect(parseRoute('GET', path)).toMatchObject({ kind: 'blob', digest });
    expect(() => parseRoute('GET', path.replace('%', '%25'))).toThrow('digest');
  });

  it('never names a place outside the data folder, whatever the path', () => {
    const layout = new Layout('/data');
    const piece = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '%2e%2e',
        '%2f',
        '%252e',
        '\\',
        '%00',
        '_blobs',
        'manifests',
        'blobs',
        'uploads',
      ),
      fc.constantFrom('tags', 'list', 'referrers', digest, upload, 'a', 'v1', '%c0%ae', '%u002e', ''),
      fc.string({ maxLength: 8 }),
    );
    const ending = fc.constantFrom('tags/list', 'manifests', 'blobs', 'referrers', 'blobs/uploads', '');
    const paths = fc
      .tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), ending, piece)
      .map(([pieces, noun, last]) => `/v2/${[...pieces, noun, last].join('/')}`);
    let parsed = 0;
    fc.assert(
      fc.property(paths, fc.constantFrom('GET', 'PUT', 'DELETE'), (path, method) => {
        for (const place of placesOf(layout, tryRoute(method, path))) {
          parsed++;
          expect(relative('/data', place)).toMatch(/^(?!\.\.)[^\0\\]+$/);
        }
      }),
      { seed: 7, numRuns: 20_000 },
    );
    expect(parsed).toBeGreaterThan(50);
  });
});

function tryRoute(method: string, path: string): Route | undefined {
  try {
    return parseRoute(method, path);
  } catch (error) {
    expect(error).toMatchObject({ name: 'Refusal' });
    return undefined;
  }
}

function placesOf(layout: Layout, route: Route | undefined): readonly string[] {
  if (route === undefined || !('repository' in route)) return [];
  const { repository } = route;
  if (route.kind === 'blob') return [layout.blob(repository, route.digest)];
  if (route.kind === 'referrers') return [layout.referrersOf(repository, route.digest)];
  if (route.kind === 'upload') return [layout.upload(repository, route.upload)];
  if (route.kind !== 'manifest') return [layout.folder(repository, '_tags')];
  const { reference } = route;
  return [
    'tag' in reference
      ? layout.tag(repository, reference.tag)
      : layout.manifest(repository, reference.digest),
  ];
}
