import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ImageChange } from './image-file.ts';
import { kustomizationFile } from './kustomization.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const zero = `sha256:${'0'.repeat(64)}`;

const sample = `# top comment — owner: team-shop
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization

# resources come first
resources:
    - ../../base       # 4-space indented sequence
    - "quoted.yaml"

images:
# catalogue service, do not touch by hand
- name: bookstore/catalog   # <- CI bumps this
  newName: ghcr.io/acme/catalog
  newTag: "1.20"            # a quoted tag that looks like a float
  # digest pinned by CI:
  digest: '${zero}'
- {name: bookstore/orders, newTag: v1}
- name: aardvark/zzz
  newTag: "1.0"

# namespace goes after images on purpose
namespace: prod
patches:
- patch: |-
    - op: replace
      path: /spec/replicas
      value: 3
  target: {kind: Deployment}
`;

function edit(text: string, ...changes: ImageChange[]): string {
  const edited = kustomizationFile.edit(text, changes);
  if ('refusals' in edited)
    return edited.refusals.map(({ code, line }) => `${code} ${line ?? ''}`.trim()).join();
  return edited.text;
}

/** What is different, as `-old` and `+new` lines. */
function difference(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return [
    ...old.filter(line => !now.includes(line)).map(line => `-${line}`),
    ...now.filter(line => !old.includes(line)).map(line => `+${line}`),
  ];
}

describe('a kustomization', () => {
  it('keeps everything but the one line that changes', () => {
    expect(difference(sample, edit(sample, { name: 'bookstore/catalog', digest }))).toEqual([
      `-  digest: '${zero}'`,
      `+  digest: '${digest}'`,
    ]);
  });

  it('gets a digest where there was none, in the form of its entry', () => {
    expect(
      difference(
        sample,
        edit(sample, { name: 'bookstore/orders', digest }, { name: 'aardvark/zzz', digest }),
      ),
    ).toEqual([
      '-- {name: bookstore/orders, newTag: v1}',
      `+- {name: bookstore/orders, newTag: v1, digest: ${digest}}`,
      `+  digest: ${digest}`,
    ]);
  });

  it('changes several keys, and quotes what some reader would take for a number', () => {
    const text = 'images:\n- name: a\n  newTag: v1\n';
    expect(edit(text, { name: 'a', digest, tag: '1.20', newName: 'r.io/a' })).toBe(
      `images:\n- name: a\n  newTag: "1.20"\n  newName: r.io/a\n  digest: ${digest}\n`,
    );
  });

  it('says nothing changed when nothing did', () => {
    const text = `images:\n- name: a\n  digest: ${digest}\n`;
    expect(kustomizationFile.edit(text, [{ name: 'a', digest }])).toEqual({ text, changed: [] });
  });

  it('keeps line ends, a byte order mark and a missing last line end', () => {
    expect(edit('images:\r\n- name: a\r\n  newTag: v1', { name: 'a', digest })).toBe(
      `images:\r\n- name: a\r\n  newTag: v1\r\n  digest: ${digest}`,
    );
    expect(edit(`\uFEFFimages: [{name: a}]`, { name: 'a', digest })).toBe(
      `\uFEFFimages: [{name: a, digest: ${digest}}]`,
    );
    expect(edit('---\nimages:\n- name: a\n  digest:\n', { name: 'a', digest })).toBe(
      `---\nimages:\n- name: a\n  digest: ${digest}\n`,
    );
    expect(edit('images:\n- name: a\n  digest: |\n    x\n  newTag: v1\n', { name: 'a', digest })).toBe(
      `images:\n- name: a\n  digest: ${digest}\n  newTag: v1\n`,
    );
  });

  it('takes a new entry when that is asked for', () => {
    const more = { name: 'b', newName: 'r.io/b', digest, add: true };
    expect(edit('images:\n  - name: a\n    newTag: v1\nnamespace: x\n', { name: 'a', digest }, more)).toBe(
      `images:\n  - name: a\n    newTag: v1\n    digest: ${digest}\n  - name: b\n    newName: r.io/b\n    digest: ${digest}\nnamespace: x\n`,
    );
    expect(edit('resources: [x.yaml]', more)).toBe(
      `resources: [x.yaml]\nimages:\n- name: b\n  newName: r.io/b\n  digest: ${digest}`,
    );
  });

  it.each([
    ['MISSING', 'images:\n- name: b\n'],
    ['DUP 3', 'images:\n- name: a\n- name: a\n'],
    ['ALIAS 2', 'x: &d y\nimages: *d\n'],
    ['ALIAS 3', 'x: &d y\nimages:\n- {name: a, digest: *d}\n'],
    ['ANCHOR 2', 'images:\n- &x {name: a}\n'],
    ['ANCHOR 2', 'images:\n- {name: a, digest: &x y}\n'],
    ['MULTIDOC', 'images: []\n---\nimages: []\n'],
    ['SHAPE', '- a\n'],
    ['SHAPE 1', 'images: {a: b}\n'],
    ['YAML 3', 'images:\n- {name: a\n'],
    ['YAML', `images:\n- name: a\n  x: ${'['.repeat(5000)}`],
  ])('is refused as %s and left alone', (code, text) => {
    expect(edit(text, { name: 'a', digest })).toBe(code);
  });

  it('takes whole digests only', () => {
    for (const wrong of ['latest', 'sha256:abc', `sha256:${'AB'.repeat(32)}`, ''])
      expect(edit('images: [{name: a}]', { name: 'a', digest: wrong })).toBe('DIGEST');
  });

  it('whatever it looks like, changes at most the lines that it must, comes out as meant, and is then at rest', () => {
    const name = fc.constantFrom('a', 'r.io/x', 'shop/web');
    const gap = fc.constantFrom('', ' # why', '\t# tab');
    const value = fc.constantFrom('v1', '"1.0"', "'x y'", zero, `"${zero}"`);
    const block = fc
      .tuple(fc.subarray(['newName', 'newTag', 'digest', 'tagSuffix']), value, gap, fc.nat(3))
      .map(
        ([keys, text, comment, deeper]) =>
          (key: string, lineEnd: string, indent: string) =>
            [
              `${indent}-${' '.repeat(1 + deeper)}name: ${key}${comment}`,
              ...keys.map(one => `${indent} ${' '.repeat(1 + deeper)}${one}: ${text}${comment}`),
            ].join(lineEnd),
      );
    const flow = fc.tuple(fc.boolean(), value).map(
      ([hasDigest, text]) =>
        (key: string, _: string, indent: string) =>
          `${indent}- {name: ${key}${hasDigest ? `, digest: ${text}` : ''}} # c`,
    );
    const file = fc.tuple(
      fc.uniqueArray(name, { minLength: 1 }),
      fc.array(fc.oneof(block, flow), { minLength: 3, maxLength: 3 }),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom('', '  '),
      fc.constantFrom('', '# head', '---'),
      fc.boolean(),
      fc.constantFrom('', 'namespace: x # last', '# end'),
    );
    fc.assert(
      fc.property(file, fc.nat(2), ([names, entries, lineEnd, indent, head, isEnded, tail], pick) => {
        const body = names.map((key, at) => entries[at]?.(key, lineEnd, indent) ?? '');
        const text =
          [...(head === '' ? [] : [head]), 'images:', ...body, ...(tail === '' ? [] : [tail])].join(lineEnd) +
          (isEnded ? lineEnd : '');
        const wanted = names[pick % names.length] ?? '';
        const after = edit(text, { name: wanted, digest });
        expect(difference(text, after).length).toBeLessThanOrEqual(isEnded || tail !== '' ? 2 : 3);
        expect(parse(after).images.find((one: { name: string }) => one.name === wanted).digest).toBe(digest);
        expect(edit(after, { name: wanted, digest })).toBe(after);
      }),
      { seed: 7, numRuns: 3000 },
    );
  });
});
