import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, makeImage, seededRandom } from '../../test/registry-content.ts';
import { useRegistry } from '../../test/running-registry.ts';
import { frozenClock } from '../model/clock.ts';
import { type CheckImagesOptions, checkImages } from './check-images.ts';
import { planCascade } from './plan-cascade.ts';

const bench = useRegistry();
const random = seededRandom(7);
let root: string;
let host: string;
let base: Client;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cg-check-'));
  await bench.start();
  host = new URL(bench.registry?.url ?? '').host;
  base = new Client(bench.registry?.url ?? '', 'upstream/debian');
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

const read = (path: string) => readFile(join(root, path), 'utf8');

/** Another image under the tag; gives its digest. */
async function publish(tag = '12', client = base): Promise<string> {
  const image = makeImage(random);
  await client.pushImage(image, tag);
  return image.digest;
}

const start = Date.parse('2026-03-01T06:00:00Z');
const hours = (count: number) => frozenClock(new Date(start + count * 3_600_000));

function check(at: number, o: Partial<CheckImagesOptions> = {}) {
  return checkImages({ cwd: root, env: { HOME: root }, clock: hours(at), ...o });
}

const shop = (more = '') =>
  `- name: shop\n  registry: ${host}\n  repository: shop/shop\n  dockerfile: Dockerfile\n${more}`;

async function snapshot(): Promise<Record<string, string>> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const files = names.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.toSorted().map(async file => [file, await readFile(file, 'utf8')] as const)),
  );
}

describe('checking bases', () => {
  beforeEach(async () => {
    await write('images.yaml', shop());
    await write('Dockerfile', `# the base\r\nFROM ${host}/upstream/debian:12 AS run\r\nRUN true\r\n`);
  });

  it('says new at first, then ok without changing a byte, then drift', async () => {
    const first = await publish();
    expect(await check(0)).toMatchObject({ exit: 0, entries: [{ status: 'new', live: first }, {}] });
    const known = await snapshot();
    expect(await check(5)).toMatchObject({
      exit: 0,
      written: [],
      entries: [{ status: 'ok', digest: first }, { status: 'quarantined' }],
    });
    expect(await snapshot()).toEqual(known);
    const second = await publish();
    const drifted = await check(50, { promote: false });
    expect(drifted).toMatchObject({ exit: 1, entries: [{ status: 'drift', recorded: first, live: second }] });
    const [stem = ''] = await readdir(join(root, '.cascadeguard/base-images'));
    expect(await read(`.cascadeguard/base-images/${stem}`)).toContain(`previousDigest: "${first}"`);
  });

  it('pins what is old enough, exactly, and never before', async () => {
    const digest = await publish();
    expect((await check(0, { pin: true })).pins).toEqual([]);
    const early = await check(47, { pin: true });
    expect(early.entries).toContainEqual(
      expect.objectContaining({ status: 'quarantined', eligibleAt: '2026-03-03T06:00:00Z' }),
    );
    const late = await check(48, { pin: true });
    expect(late.pins).toMatchObject([{ path: 'Dockerfile', image: 'shop', digest, lines: [2] }]);
    expect(await read('Dockerfile')).toBe(
      `# the base\r\nFROM ${host}/upstream/debian:12@${digest} AS run\r\nRUN true\r\n`,
    );
    const known = await snapshot();
    expect((await check(60, { pin: true })).entries.map(({ status }) => status)).toEqual(['ok']);
    expect(await snapshot()).toEqual(known);
  });

  it('follows a base that is rebuilt every day at a constant distance', async () => {
    const digests: string[] = [];
    for (let day = 0; day < 10; day++) {
      digests.push(await publish());
      await check(24 * day, { pin: true });
      if (day >= 2) expect(await read('Dockerfile')).toContain(digests[day - 2]);
    }
  });

  it('takes what its own rule allows, however patient its neighbour is', async () => {
    const digest = await publish();
    await write(
      'images.yaml',
      `${shop('  quarantine: 0\n')}- name: slow\n  registry: ${host}\n  repository: shop/slow\n  dockerfile: slow/Dockerfile\n  quarantine: 30d\n`,
    );
    await write('slow/Dockerfile', `FROM ${host}/upstream/debian:12\n`);
    await check(0, { pin: true });
    expect(await read('Dockerfile')).toContain(digest);
    expect(await read('slow/Dockerfile')).not.toContain('@');
    await check(30 * 24, { pin: true });
    expect(await read('slow/Dockerfile')).toContain(digest);
  });

  it('touches nothing in a dry run, and ends as a real one would', async () => {
    await publish();
    await check(0);
    await publish();
    const before = await snapshot();
    const dry = await check(100, { pin: true, dryRun: true });
    expect(dry.exit).toBe(1);
    expect(dry.pins).not.toEqual([]);
    expect(await snapshot()).toEqual(before);
    expect((await check(100, { skipState: true })).entries).toMatchObject([{ status: 'new' }, {}]);
    expect(await snapshot()).toEqual(before);
  });

  it('keeps what it cannot look at, and says so with its code', async () => {
    expect(await check(0)).toMatchObject({ exit: 3, entries: [{ status: 'error', code: 'NOT_FOUND' }] });
    expect((await check(0, { allowUnreachable: true })).exit).toBe(0);
    await publish();
    await check(0);
    await rm(join(root, 'Dockerfile'));
    expect(await check(1)).toMatchObject({
      exit: 3,
      entries: [{ image: 'shop', status: 'error' }, { status: 'ok' }, {}],
    });
    expect(await read('.cascadeguard/images/shop.yaml')).toContain('upstream/debian:12');
  });

  it('takes a Dockerfile with a FROM that cannot be read for an error, not for one without bases', async () => {
    await write('Dockerfile', `FROM ${host}/upstream/debian:12 AS run # comment\n`);
    expect(await check(0)).toMatchObject({
      exit: 3,
      entries: [{ image: 'shop', status: 'error', code: 'DOCKERFILE_UNREADABLE' }],
    });
  });

  it('lets a digest skip its wait when somebody answers for it, and keeps who', async () => {
    const digest = await publish();
    await check(0);
    const promoteNow = [`${host}/upstream/debian:12@${digest}`];
    await expect(check(1, { pin: true, promoteNow })).rejects.toThrow('needs a reason');
    await check(1, { pin: true, promoteNow, reason: 'CVE-2026-1' });
    expect(await read('Dockerfile')).toContain(digest);
  });

  it('refuses state and Dockerfiles that lead out of the repository', async () => {
    await publish();
    const outside = await mkdtemp(join(tmpdir(), 'cg-outside-'));
    await writeFile(join(outside, 'Dockerfile'), 'FROM x\n');
    await rm(join(root, 'Dockerfile'));
    await symlink(join(outside, 'Dockerfile'), join(root, 'Dockerfile'));
    await expect(check(0)).rejects.toThrow('leads out of the repository');
    await rm(join(root, 'Dockerfile'));
    await write('Dockerfile', `FROM ${host}/upstream/debian:12\n`);
    await symlink(outside, join(root, '.cascadeguard'));
    await expect(check(0)).rejects.toThrow('leads out of the repository');
    expect(await readdir(outside)).toEqual(['Dockerfile']);
    await rm(outside, { recursive: true });
  });
});

describe('planning a cascade', () => {
  it('orders what stands on a new base, and is empty once that base is pinned', async () => {
    await publish();
    const entry = (name: string) =>
      `- name: ${name}\n  registry: ${host}\n  repository: shop/${name}\n  dockerfile: ${name}/Dockerfile\n`;
    await write('images.yaml', ['app', 'mid', 'low'].map(entry).join(''));
    await write('low/Dockerfile', `FROM ${host}/upstream/debian:12\n`);
    await write('mid/Dockerfile', `FROM ${host}/shop/low\n`);
    await write('app/Dockerfile', `FROM ${host}/shop/mid:latest\n`);
    expect((await check(0)).exit).toBe(0);
    const plan = (at: number) => planCascade({ cwd: root, env: { HOME: root }, clock: hours(at) });
    expect(await plan(1)).toMatchObject({ waves: [], waiting: [{ image: 'low', outcome: 'waiting' }] });
    expect((await plan(48)).waves.map(({ images }) => images.map(({ name }) => name))).toEqual([
      ['low'],
      ['mid'],
      ['app'],
    ]);
    await check(48, { pin: true });
    expect((await plan(50)).waves).toEqual([]);
  });

  it('names the circle when images are built from each other', async () => {
    const entry = (name: string) =>
      `- name: ${name}\n  registry: ${host}\n  dockerfile: ${name}/Dockerfile\n`;
    await write('images.yaml', entry('a') + entry('b'));
    await write('a/Dockerfile', `FROM ${host}/b\n`);
    await write('b/Dockerfile', `FROM ${host}/a\n`);
    await expect(check(0)).rejects.toThrow('a → b → a');
  });
});

describe('checking releases', () => {
  it('takes the first list as known, then says what is new in the same major version', async () => {
    const nginx = new Client(bench.registry?.url ?? '', 'mirror/nginx');
    await write(
      'images.yaml',
      `- name: nginx\n  registry: ${host}\n  repository: mirror/nginx\n  tag: "1.27"\n`,
    );
    await publish('1.27', nginx);
    expect(await check(0)).toMatchObject({ exit: 0, entries: [] });
    const known = await snapshot();
    expect(await check(1)).toMatchObject({ exit: 0, entries: [], written: [] });
    expect(await snapshot()).toEqual(known);
    for (const tag of ['1.29', '2.0', '1.30.0-rc.1']) await publish(tag, nginx);
    expect(await check(2)).toMatchObject({ exit: 1, entries: [{ status: 'new-tags', new_tags: ['1.29'] }] });
    expect((await check(3)).exit).toBe(0);
  });
});
