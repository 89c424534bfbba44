import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault, FaultList } from '../ground/fault/fault.ts';
import { ImagesFile, pathInImagesFile } from './images-file.ts';
import { ProjectFile } from './project-file.ts';
import { parseConfig, readConfig } from './read-config.ts';
import { readSettings } from './settings.ts';

const project = (text: string) => parseConfig('.cascadeguard.yaml', text, ProjectFile).value;
const images = (text: string) =>
  parseConfig('images.yaml', text, ImagesFile, { toWritten: pathInImagesFile }).value.images;

function problemsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof FaultList) return error.faults.map(fault => `${fault.where}: ${fault.message}`);
    if (error instanceof Fault) return [`${error.where}: ${error.message}`];
    throw error;
  }
  return [];
}

describe('.cascadeguard.yaml', () => {
  it('may be absent in content: empty, comments only, null', () => {
    for (const text of ['', '\n', '# nothing\n', '---\n', '{}\n']) expect(project(text)).toEqual({});
  });

  it('keeps tags and versions as the text that was written', () => {
    const value = project(
      'cli: {version: 3.20}\ndefaults: {registry: 010}\nquarantine: {deny: [1e3, 2024-01-01, 0x1F]}\n',
    );
    expect(value.cli?.version).toBe('3.20');
    expect(value.defaults?.registry).toBe('010');
    expect(value.quarantine?.deny).toEqual(['1e3', '2024-01-01', '0x1F']);
  });

  it('reads anchors and merge keys; what stands beside wins', () => {
    const value = project(
      'quarantine: &q {period: 1d, select: current}\ncheck: {tags: {scope: all}}\ngit: {remote: a}\n',
    );
    expect(value.quarantine).toEqual({ period: '1d', select: 'current' });
    const merged = images(
      '- &a {name: a, registry: r, tag: 1}\n- {<<: *a, name: b}\n- {<<: [{tag: 9}, *a], name: c}\n',
    );
    expect(merged.map(({ name, registry, tag }) => [name, registry, tag])).toEqual([
      ['a', 'r', '1'],
      ['b', 'r', '1'],
      ['c', 'r', '9'],
    ]);
  });

  it('reads booleans in every old spelling and short forms of mappings', () => {
    expect(project('check: {promote: No, allowUnreachable: "on"}\nquarantine: 3d\n')).toEqual({
      check: { promote: { enabled: false }, allowUnreachable: true },
      quarantine: { period: '3d' },
    });
  });

  it('takes an empty value, ~ and null for an absent key, and quoted "null" for a text', () => {
    expect(project('ci:\nkargo: ~\ncli: {version: null, image: "null"}\n')).toEqual({
      cli: { image: 'null' },
    });
  });

  it('says all problems at once, each with file, line, column and the nearest key', () => {
    expect(
      problemsOf(() =>
        project(
          'quarantine: 2x\ncheck:\n  promote: maybe\nkargoo: 1\nci: {platform: bitbucket, layuot: cg}\n',
        ),
      ),
    ).toEqual([
      '.cascadeguard.yaml:1:13: period: "2x" is not a duration: write 48h, 7d, 1d12h, 30m, P7D, or 0 for none',
      '.cascadeguard.yaml:3:12: enabled: expected true or false, found "maybe"',
      '.cascadeguard.yaml:4:1: unknown key "kargoo"; did you mean "kargo"?',
      '.cascadeguard.yaml:5:16: platform: expected one of github, gitlab, found "bitbucket"',
      '.cascadeguard.yaml:5:27: unknown key "layuot"; did you mean "layout"?',
    ]);
  });

  it('refuses duplicate keys, broken YAML, several documents and a list', () => {
    expect(problemsOf(() => project('ci: {}\nci: {}\n'))[0]).toMatch(
      /^\.cascadeguard\.yaml:2:1: the key "ci" stands twice/,
    );
    expect(problemsOf(() => project('a: [1\n'))[0]).toMatch(/^\.cascadeguard\.yaml:\d+:\d+: /);
    expect(problemsOf(() => project('ci: {}\n---\nci: {}\n'))[0]).toMatch(/document/);
    expect(problemsOf(() => project('- a\n'))).toHaveLength(1);
  });

  it('stays bounded on hostile files', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij'].map((name, i) => `${name}: &${name} [${`*${'abcdefghij'[i]},`.repeat(10)}]`).join('\n')}\n`;
    const start = performance.now();
    const keys = Array.from({ length: 60_000 }, (_, at) => `k${at}: 1`).join('\n');
    const anchors = `a: &a [${'x,'.repeat(5000)}]\n${Array.from({ length: 900 }, (_, at) => `b${at}: *a`).join('\n')}\n`;
    for (const text of [
      keys,
      anchors,
      'a: &a [*a]\n',
      'a: *nothing\n',
      '? [a]\n: b\n',
      bomb,
      '['.repeat(100_000),
      `${'{a: '.repeat(5000)}1`,
      'x'.repeat(5_000_000),
      `${' '.repeat(300)}a: 1\n`.repeat(300),
    ]) {
      expect(problemsOf(() => project(text)).length).toBeGreaterThan(0);
    }
    expect(performance.now() - start).toBeLessThan(8_000);
  });

  it('never fails with anything but a located fault, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'abci:-[]{}&*!|>%@"\'\n\t #,?~\u0000é'), maxLength: 60 }),
        text => {
          for (const problem of problemsOf(() => project(text)))
            expect(problem).toMatch(/^\.cascadeguard\.yaml:\d+:\d+: /);
        },
      ),
      { seed: 7, numRuns: 2000 },
    );
  });
});

describe('a configuration file', () => {
  it('that is a device, a folder or far too large is refused without being read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cg-config-'));
    symlinkSync('/dev/zero', join(folder, 'zero.yaml'));
    writeFileSync(join(folder, 'large.yaml'), 'x'.repeat(2 * 1024 * 1024));
    for (const file of [join(folder, 'zero.yaml'), join(folder, 'large.yaml'), folder]) {
      await expect(readConfig(file, ProjectFile)).rejects.toMatchObject({
        code: 'FILE_MISSING',
        where: file,
      });
    }
    expect(await readConfig(join(folder, 'nothing.yaml'), ProjectFile)).toBeUndefined();
  });
});

describe('images.yaml', () => {
  it('reads the bare list and the mapping, both schemas mixed', () => {
    const entries =
      '- name: web\n  registry: ghcr.io\n  repository: shop/web\n- name: api\n  registry: ghcr.io/shop\n  image: api\n  tag: 3.20\n';
    const mapped = `images:\n${entries.replaceAll(/^/gm, '  ').trimEnd()}\n`;
    expect(images(entries)).toEqual(images(mapped));
    expect(images(entries)[1]?.tag).toBe('3.20');
    expect(images('')).toEqual([]);
    expect(images('images:\n')).toEqual([]);
  });

  it('names entry, line and column of what is wrong, in both containers', () => {
    expect(problemsOf(() => images('- name: web\n  dockerfile: ../x\n- nmae: api\n- name: WEB\n'))).toEqual([
      'images.yaml:2:15: dockerfile: the path "../x" must stay inside the repository: relative, without ".."',
      'images.yaml:3:3: "name" is missing',
      'images.yaml:3:3: unknown key "nmae"; did you mean "name"?',
    ]);
    expect(problemsOf(() => images('images:\n  - name: web\n  - name: WEB\n'))).toEqual([
      'images.yaml:3:11: the name "WEB" is taken by image 1',
    ]);
    expect(problemsOf(() => images('- name: web\n  source: {branch: -x}\n'))[0]).toMatch(
      /^images\.yaml:2:20: branch: "-x" is not a branch name/,
    );
  });
});

describe('patterns', () => {
  it.each(['^v[0-9]+$', '.*', '^1\\.[0-9]{1,3}$'])('takes %s', text => {
    expect(images(`- name: web\n  allowTags: '${text}'\n`)[0]?.allowTags).toBe(text);
  });

  it.each(['(', '(?=a)b', '(a)\\1', 'a{1000}{1000}'])('refuses %s, with the place', text => {
    expect(problemsOf(() => images(`- name: web\n  allowTags: '${text}'\n`))[0]).toMatch(
      /^images\.yaml:2:14: allowTags: not a regular expression/,
    );
  });
});

describe('settings', () => {
  it.each(['2 days', 'tomorrow', '-1d', '2x'])(
    'refuses the variable CG_QUARANTINE_PERIOD="%s"',
    async text => {
      const cwd = mkdtempSync(join(tmpdir(), 'cg-project-'));
      await expect(
        readSettings({ cwd, env: { HOME: cwd, CG_QUARANTINE_PERIOD: text } }),
      ).rejects.toMatchObject({
        code: 'USAGE',
        where: 'CG_QUARANTINE_PERIOD',
        actual: text,
      });
    },
  );

  it('takes the nearest layer and says where each value comes from', async () => {
    const home = mkdtempSync(join(tmpdir(), 'cg-home-'));
    const cwd = mkdtempSync(join(tmpdir(), 'cg-project-'));
    mkdirSync(join(home, '.config/cascadeguard'), { recursive: true });
    writeFileSync(
      join(home, '.config/cascadeguard/config.yaml'),
      'quarantine: 1d\ngit:\n  remote: upstream\n  author: me\n',
    );
    writeFileSync(join(cwd, '.cascadeguard.yaml'), 'quarantine:\n  period: 2d\ngit: {remote: fork}\n');
    const env = { HOME: home, CG_QUARANTINE_PERIOD: '3d' };
    const found = async (key: string, flags?: Record<string, unknown>) =>
      (await readSettings({ cwd, env, ...(flags && { flags }) })).find(setting => setting.key === key);
    expect(await found('quarantine.period', { 'quarantine.period': '4d' })).toMatchObject({
      value: '4d',
      origin: 'flag',
    });
    expect(await found('quarantine.period')).toEqual({
      key: 'quarantine.period',
      value: '3d',
      origin: 'environment',
      place: 'CG_QUARANTINE_PERIOD',
    });
    expect(await found('git.remote')).toEqual({
      key: 'git.remote',
      value: 'fork',
      origin: 'project',
      place: '.cascadeguard.yaml:3:15',
    });
    expect(await found('git.author')).toMatchObject({
      value: 'me',
      origin: 'user',
      place: expect.stringMatching(/config\.yaml:4:11$/),
    });
    expect(await found('ci.platform')).toEqual({ key: 'ci.platform', value: 'github', origin: 'default' });
  });
});
