import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameBase } from '../base-name.ts';
import { BaseBook } from './base-book.ts';
import { StateFile } from './state-file.ts';
import { StateFolder } from './state-folder.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cg-state-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const digest = `sha256:${'a'.repeat(64)}`;

async function put(path: string, text: string): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), text);
}

describe('a state file', () => {
  it('keeps unknown keys, comments and types when something else changes', () => {
    const file = new StateFile(
      'x',
      '# ours\nname: a\nflag: true # no text\ntag: 3.20\nhook: {n: 1.50}\nbases: [{digest: d, extra: yes}]\n',
    );
    file.set('name', 'b');
    file.set('bases', [{ digest: 'd', at: '2026-01-01T00:00:00Z' }], 'digest');
    expect(file.text()).toContain('# ours');
    expect(file.text()).toMatch(/flag: true # no text\ntag: 3\.20\nhook: \{ ?n: 1\.50 ?\}/);
    expect(file.text()).toMatch(/extra: yes/);
  });

  it('changes no byte when it is told what it says already', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 }).filter(
      // oxlint-disable-next-line no-control-regex
      value => !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ud800-\udfff\ufeff\ufffe\uffff]/.test(value),
    );
    const value = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.oneof(text, fc.array(text, { maxLength: 4 }), fc.record({ digest: text, at: text })),
      { maxKeys: 6 },
    );
    fc.assert(
      fc.property(value, values => {
        const first = new StateFile('x');
        for (const [key, item] of Object.entries(values)) first.set(key, item);
        const written = first.text();
        const again = new StateFile('x', written);
        for (const [key, item] of Object.entries(values)) again.set(key, item);
        expect(again.isChanged).toBe(false);
        expect(again.text()).toBe(written);
      }),
      { seed: 5, numRuns: 250 },
    );
  });

  it('writes what other readers could take for something else in quotes', () => {
    const file = new StateFile('x');
    for (const [key, value] of Object.entries({
      a: '3.20',
      b: 'no',
      c: '010',
      d: '2024-01-01',
      e: 'null',
      f: '',
    }))
      file.set(key, value);
    expect(file.text()).toBe('a: "3.20"\nb: "no"\nc: "010"\nd: "2024-01-01"\ne: "null"\nf: ""\n');
  });

  it.each([
    'a: &x [*x]',
    '[1, 2]',
    `a: ${'['.repeat(5000)}`,
    'a: 1\na: 2',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 8 }, (_, n) => `b${n}: &b${n} [${`*${n === 0 ? 'a' : `b${n - 1}`},`.repeat(9)}]`).join('\n')}`,
  ])('refuses a hostile one by name (%#)', text => {
    expect(() => new StateFile('base.yaml', text).value).toThrow(/state file/);
  });
});

describe('the state folder', () => {
  it.each(['.cascadeguard', 'state', '.', 'cascadeguard/state'])(
    'reads what lies in %s and writes .cascadeguard',
    async layout => {
      await put(join(layout, 'images/app.yaml'), 'name: app\nhook: kept\n');
      await put(
        join(layout, 'base-images/node-22.yaml'),
        `name: node-22\nfullImage: "node:22"\ntag: "22"\ncurrentDigest: "${digest}"\nobservedAt: 2026-01-01 00:00:00\n`,
      );
      const state = await StateFolder.open(root);
      expect(new BaseBook(state).get('docker.io/library/node:22')?.ledger).toEqual({
        current: digest,
        history: [{ digest, observedAt: '2026-01-01T00:00:00Z' }],
      });
      await state.write();
      expect(await readFile(join(root, '.cascadeguard/images/app.yaml'), 'utf8')).toBe(
        'name: app\nhook: kept\n',
      );
    },
  );

  it('uses the file that has the identity, whatever it is called, and a suffix where two claim one name', async () => {
    await put(
      '.cascadeguard/base-images/library-node-22.yaml',
      'fullImage: docker.io/library/node:22\ntag: "22"\n',
    );
    const book = new BaseBook(await StateFolder.open(root));
    const open = (text: string) => {
      const named = nameBase(text);
      return 'value' in named ? book.open(named.value.base).stem : '';
    };
    expect(open('node:22')).toBe('library-node-22');
    expect([open('a/b-c:1'), open('a-b/c:1')]).toEqual([
      'a-b-c-1',
      expect.stringMatching(/^a-b-c-1-[0-9a-f]{8}$/),
    ]);
  });

  it('repairs what a defect left, and forgets digests of another tag', async () => {
    await put(
      '.cascadeguard/base-images/node-22.yaml',
      `fullImage: node:22\ntag: "22"\ncurrentDigest: "${digest}"\nobservedAt: "2026-01-01T00:00:00Z"\n`,
    );
    await put(
      '.cascadeguard/base-images/node-22@sha256-aa.yaml',
      'fullImage: "node:22@sha256:aa"\nrepository: library/node:22@sha256\ntag: aa\n',
    );
    await put(
      '.cascadeguard/base-images/alpine-3.20.yaml',
      `fullImage: alpine:3.20\ntag: 3.2\ncurrentDigest: "${digest}"\nobservedAt: "2026-01-01T00:00:00Z"\n`,
    );
    const state = await StateFolder.open(root);
    const book = new BaseBook(state);
    expect(book.identities.toSorted()).toEqual([
      'docker.io/library/alpine:3.20',
      'docker.io/library/node:22',
    ]);
    expect(book.get('docker.io/library/alpine:3.20')).toMatchObject({
      ledger: { history: [] },
      discarded: [digest],
    });
    await state.write();
    expect(await readdir(join(root, '.cascadeguard/base-images'))).not.toContain('node-22@sha256-aa.yaml');
  });
});
