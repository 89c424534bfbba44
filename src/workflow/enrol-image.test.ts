import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enrolImage } from './enrol-image.ts';
import { validateImages } from './validate-images.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'cg-enrol-'));
});
afterEach(async () => {
  await rm(cwd, { recursive: true });
});

const write = (text: string) => writeFile(join(cwd, 'images.yaml'), text);
const read = () => readFile(join(cwd, 'images.yaml'), 'utf8');
const enrol = (o: object = {}) =>
  enrolImage({ cwd, env: { HOME: cwd }, name: 'new', registry: 'ghcr.io', repository: 'o/new', ...o });
const entry = '- name: new\n  registry: ghcr.io\n  repository: o/new\n';
const indented = '  - name: new\n    registry: ghcr.io\n    repository: o/new\n';

describe('enrolling', () => {
  it.each([
    ['', entry],
    ['[]\n', entry],
    ['# ours\n[] # none yet\n', undefined],
    ['- name: a\n  registry: x\n  repository: y\n', `- name: a\n  registry: x\n  repository: y\n${entry}`],
    [
      'images:\n  - name: a # first\n    registry: x\n    repository: y',
      `images:\n  - name: a # first\n    registry: x\n    repository: y\n${indented}`,
    ],
    ['images: []\n', `images:\n${indented}`],
    ['images:\n', `images:\n${indented}`],
    [
      'images:\n- name: a\n  registry: x\n  repository: y\n',
      `images:\n- name: a\n  registry: x\n  repository: y\n${entry}`,
    ],
  ])('adds to %j', async (before, after) => {
    await write(before);
    await enrol();
    if (after !== undefined) expect(await read()).toBe(after);
    expect(await validateImages({ cwd, env: { HOME: cwd } })).toMatchObject({
      images: before.includes('name') ? 2 : 1,
    });
  });

  it('adds only bytes to a commented file with wide indents and line ends of Windows', async () => {
    const before =
      '# top\r\n-   name: \'a\'   # quoted\r\n    registry: "x"\r\n    repository: y\r\n\r\n# the end\r\n';
    await write(before);
    await enrol();
    const after = await read();
    const added = '-   name: new\r\n    registry: ghcr.io\r\n    repository: o/new\r\n';
    expect(after.replace(added, '')).toBe(before);
  });

  it('writes what was given and nothing else, text as text', async () => {
    await enrol({
      repo: 'acme/shop',
      dockerfile: 'Dockerfile',
      branch: '1.10',
      rebuildDelay: '7d',
      autoRebuild: true,
    });
    expect(await read()).toBe(
      `${entry}  source:\n    provider: github\n    repo: acme/shop\n    dockerfile: Dockerfile\n    branch: "1.10"\n  rebuildDelay: "7d"\n  autoRebuild: true\n`.replace(
        '"7d"',
        '7d',
      ),
    );
  });

  it('says that a Dockerfile is not there, unless it is in another repository', async () => {
    expect((await enrol({ name: 'a', dockerfile: 'a/Dockerfil' })).note).toContain(
      'a/Dockerfil is not there',
    );
    expect((await enrol({ name: 'b', dockerfile: 'x', repo: 'acme/shop' })).note).toBeUndefined();
    await writeFile(join(cwd, 'Dockerfile'), 'FROM scratch\n');
    expect((await enrol({ name: 'c', dockerfile: 'Dockerfile' })).note).toBeUndefined();
  });

  it.each([
    ['a name that is taken, in any case', { name: 'A' }, 'enrolled already'],
    ['a name that leads elsewhere', { name: '../../pwn' }, 'must be letters'],
    ['a Dockerfile outside', { dockerfile: '/etc/passwd' }, 'must stay inside'],
    ['a branch that is an option', { branch: '--upload-pack=x' }, 'not a branch name'],
  ])('refuses %s, and changes nothing', async (_what, o, message) => {
    const before = '- name: a\n  registry: x\n  repository: y\n';
    await write(before);
    await expect(enrol(o)).rejects.toThrow(message);
    expect(await read()).toBe(before);
  });
});

describe('validating', () => {
  const validate = () => validateImages({ cwd, env: { HOME: cwd } });

  it('says unknown keys with the nearest one as a warning', async () => {
    await write('- name: a\n  registry: x\n  repository: y\n  rebuildDelya: 7d\n');
    expect((await validate()).warnings).toMatchObject([
      { message: expect.stringContaining('did you mean "rebuildDelay"') },
    ]);
  });

  it.each([
    ['- name: a\n  quarantine: 1.5d\n', 'not a duration'],
    ['- name: a\n  dockerfile: ../x\n', 'must stay inside'],
    ['- name: a\n- name: A\n', 'is taken'],
    ['- name: a\n', 'neither a Dockerfile nor a repository'],
    ['- name: a\n  dockerfile: Dockerfile\n', 'has no registry'],
    ['just text\n', 'expected object'],
    [`- &a {name: a}\n- *a\n${'- *a\n'.repeat(200_000)}`, 'more than 100000 values'],
  ])('refuses %#', async (text, message) => {
    await write(text);
    await expect(validate()).rejects.toThrow(message);
  });

  it('names the file that is missing', async () => {
    await expect(validate()).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });
});
