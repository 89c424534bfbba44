import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pythonMetadata } from '../../../../test/contents.ts';
import { entryOf, headerOf, padded, paxRecord, type TarFile, tarOf, withSum } from '../../../../test/tar.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import { allCataloguers } from '../cataloguers/all.ts';
import { catalogueLayer } from './catalogue-layer.ts';
import { resolvePath } from './path.ts';
import { squash } from './squash.ts';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function pathsOf(layers: readonly (readonly TarFile[])[], size = 1000): Promise<string[]> {
  const findings = [];
  for (const layer of layers)
    findings.push(await catalogueLayer(inPieces(tarOf(layer), size), allCataloguers, 'test'));
  return squash(findings)
    .files.map(({ path }) => path)
    .sort();
}

const file = (path: string): TarFile => ({ name: `${path}.egg-info`, content: pythonMetadata('x', '1') });

/** The root that an extraction gives, as the specification words it; what links are for is in it. */
class ExtractedRoot {
  readonly #entries = new Map<string, TarFile>();

  apply(layer: readonly TarFile[]): void {
    for (const { name } of layer) this.#whiteOut(name);
    for (const entry of layer) if (!/(?:^|\/)\.wh\./.test(entry.name)) this.#put(entry);
  }

  files(): string[] {
    return [...this.#entries]
      .filter(([, { type = '0' }]) => type === '0')
      .map(([path]) => path)
      .sort();
  }

  #place(path: string): string | undefined {
    const links = new Map(
      [...this.#entries].flatMap(([at, { type, link = '' }]) => (type === '2' ? [[at, link]] : [])),
    );
    return resolvePath(path, links, false);
  }

  #whiteOut(name: string): void {
    const [, folder = '', marked = ''] = /^(?:(.*)\/)?\.wh\.(.+)$/.exec(name) ?? [];
    if (marked === '') return;
    const isOpaque = marked === '.wh..opq';
    const target = this.#place(isOpaque ? `${folder}/x` : `${folder}/${marked}`);
    if (target === undefined) return;
    const start = isOpaque ? target.slice(0, -1) : `${target}/`;
    for (const path of this.#entries.keys())
      if ((path === target && !isOpaque) || path.startsWith(start)) this.#entries.delete(path);
  }

  #put(entry: TarFile): void {
    const place = this.#place(entry.name);
    if (place === undefined) return;
    const isFolder = entry.type === '5';
    for (const path of this.#entries.keys())
      if (path === place || (!isFolder && path.startsWith(`${place}/`))) this.#entries.delete(path);
    this.#entries.set(place, entry);
  }
}

describe('layers on top of each other', () => {
  it.each<[string, TarFile[][], string[]]>([
    ['a whiteout hides a file', [[file('a/b')], [{ name: 'a/.wh.b.egg-info' }]], []],
    ['a whiteout hides a folder', [[file('a/b'), file('ab')], [{ name: '.wh.a' }]], ['ab.egg-info']],
    ['a whiteout spares its own layer', [[file('a/b')], [file('a/c'), { name: '.wh.a' }]], ['a/c.egg-info']],
    [
      'an opaque folder is emptied of lower layers, wherever the mark stands',
      [[file('a/b')], [file('a/c'), { name: 'a/.wh..wh..opq' }]],
      ['a/c.egg-info'],
    ],
    ['an opaque root', [[file('a/b')], [{ name: '.wh..wh..opq' }, file('c')]], ['c.egg-info']],
    ['other marks are ignored', [[file('a/b')], [{ name: '.wh..wh.plnk' }]], ['a/b.egg-info']],
    ['a file replaces a folder', [[file('a/b')], [{ name: 'a', content: 'x' }]], []],
    ['a file replaces a file', [[file('a')], [{ name: 'a.egg-info', type: '3' }]], []],
    ['a folder keeps what is in it', [[file('a/b')], [{ name: 'a/', type: '5' }]], ['a/b.egg-info']],
    [
      'a link to a folder is followed',
      [[{ name: 'l', type: '2', link: 'a' }], [file('l/b')]],
      ['a/b.egg-info'],
    ],
    [
      'a whiteout behind a link',
      [[{ name: 'l', type: '2', link: '/a' }, file('a/b')], [{ name: 'l/.wh.b.egg-info' }]],
      [],
    ],
    [
      'a circle of links leads nowhere',
      [
        [
          { name: 'a', type: '2', link: 'b' },
          { name: 'b', type: '2', link: 'a' },
        ],
        [file('a/c')],
      ],
      [],
    ],
    [
      'a link out of the root leads nowhere',
      [[{ name: 'a', type: '2', link: '../../etc' }], [file('a/c')]],
      [],
    ],
    [
      'a hard link is one more name',
      [[file('a'), { name: 'b.egg-info', type: '1', link: 'a.egg-info' }]],
      ['a.egg-info', 'b.egg-info'],
    ],
    ['what comes twice is what came last', [[file('a'), { name: 'a.egg-info', type: '2', link: 'x' }]], []],
    ['an entry with .. is not taken', [[file('a/../../b')]], []],
  ])('%s', async (_what, layers, expected) => {
    expect(await pathsOf(layers)).toEqual(expected);
  });

  it('give the files that an extraction gives', async () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'));
    const links: fc.Arbitrary<TarFile> = fc.record({
      name,
      type: fc.constant('2'),
      link: fc.constantFrom('a', 'b', '/c', '../c', './a/b'),
    });
    // Lowest are folders and links; above are files and whiteouts, as builders write them.
    const upper = fc.oneof(
      path.map(file),
      path.map(at => ({ name: at.replace(/([^/]+)$/, '.wh.$1') })),
      path.map(at => ({ name: `${at}/.wh..wh..opq` })),
      path.map(at => ({ name: at.replace(/([^/]+)$/, '.wh.$1.egg-info') })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(links, { maxLength: 2, selector: ({ name }) => name }),
        fc.array(fc.uniqueArray(upper, { maxLength: 4, selector: ({ name }) => name }), {
          minLength: 1,
          maxLength: 4,
        }),
        async (base, above) => {
          const root = new ExtractedRoot();
          for (const layer of [base, ...above]) root.apply(layer);
          const layers = [base, ...above];
          const expected = root.files();
          expect(await pathsOf(layers)).toEqual(expected);
        },
      ),
      { seed: 11, numRuns: 1500 },
    );
  });
});

describe('the tar of a layer', () => {
  it('says so when what is wanted passed under a name that nobody wants', async () => {
    const link = (name: string): TarFile => ({ name, type: '1', link: 'store/ab' });
    const tar = tarOf([
      { name: 'store/ab', content: pythonMetadata('x', '1') },
      link('x.egg-info'),
      link('y'),
    ]);
    const { problems } = await catalogueLayer(inPieces(tar, 1000), allCataloguers, 'test');
    expect(problems).toEqual([
      { cataloguer: 'python', path: 'x.egg-info', message: expect.stringContaining('store/ab') },
    ]);
  });

  const long = `${'long/'.repeat(60)}name`;

  it.each([1, 7, 512, 513, 100_000])('is read the same in pieces of %i bytes', async size => {
    const files = [file('a'), file(long), { name: 'x', content: 'y'.repeat(3000) }, file('b')];
    expect(await pathsOf([files], size)).toEqual(['a.egg-info', 'b.egg-info', `${long}.egg-info`]);
  });

  it('has sizes in pax records and in base 256, and long names of GNU', async () => {
    const body = Buffer.from(pythonMetadata('x', '1'));
    const pax = Buffer.from(paxRecord('size', String(body.length)));
    const binary = headerOf('two.egg-info', 0);
    binary.fill(0, 124, 136);
    binary[124] = 0x80;
    binary.writeUInt32BE(body.length, 132);
    const gnuName = Buffer.from(`${long}.egg-info\0`);
    const tar = Buffer.concat([
      ...[headerOf('p', pax.length, 'x'), padded(pax), headerOf('one.egg-info', 0), padded(body)],
      ...[withSum(binary), padded(body)],
      ...[
        headerOf('././@LongLink', gnuName.length, 'L'),
        padded(gnuName),
        ...entryOf({ name: 'cut', content: body }),
      ],
    ]);
    const { files } = await catalogueLayer(inPieces(tar, 999), allCataloguers, 'test');
    expect(files.map(({ path }) => path).sort()).toEqual([
      `${long}.egg-info`,
      'one.egg-info',
      'two.egg-info',
    ]);
  });

  it('ends within its limits', async () => {
    const tar = tarOf(Array.from({ length: 20 }, (_, at) => ({ name: `file${at}` })));
    for (const limits of [
      { entries: 10, names: 1e6 },
      { entries: 100, names: 40 },
    ]) {
      await expect(catalogueLayer(inPieces(tar, 1000), allCataloguers, 'test', limits)).rejects.toMatchObject(
        { code: 'CONTENT_INVALID' },
      );
    }
  });

  it('gives nothing but faults for whatever is in it', async () => {
    const tar = tarOf([file('a'), file(long), { name: 'l', type: '2', link: 'a' }]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(tar.length - 1),
        fc.uint8Array({ maxLength: 20 }),
        fc.nat(600),
        async (at, put, cut) => {
          const broken = Buffer.concat([tar.subarray(0, at), put, tar.subarray(at + cut)]);
          try {
            await catalogueLayer(inPieces(broken, 700), allCataloguers, 'test');
          } catch (error) {
            if (!(error instanceof Fault)) throw error;
          }
        },
      ),
      { seed: 5, numRuns: 500 },
    );
  });
});
