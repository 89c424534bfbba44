import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BuildRecord } from '../../src/model/build-record.ts';
import { frozenClock } from '../../src/model/clock.ts';
import type { Digest } from '../../src/model/digest.ts';
import { buildImage } from '../../src/workflow/build-image.ts';
import { buildStage } from '../../src/workflow/ci/build-stage.ts';
import { checkRecord } from '../../src/workflow/ci/prove/check-record.ts';
import { openTestRegistry, type TestRegistry } from '../signing-place.ts';

const builtAt = '2026-01-02T03:04:05Z';
let registry: TestRegistry;
let cwd: string;
let base: { readonly reference: string; readonly digest: Digest };
let other: { readonly reference: string; readonly digest: Digest };
let record: BuildRecord;

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), text);
};
const env = () => ({ HOME: cwd, PATH: process.env['PATH'] });
const enrol = (more: object = {}, name = 'api') =>
  write(
    'images.yaml',
    JSON.stringify([
      {
        name: 'api',
        registry: registry.host,
        repository: `shop/${name}`,
        dockerfile: 'Dockerfile',
        context: '.',
        build: { platforms: ['linux/amd64'], args: { A: '1' }, ...more },
      },
    ]),
  );
const check = async (said: BuildRecord, now = '2026-01-03T03:04:05Z') =>
  await checkRecord(said, {
    cwd,
    env: env(),
    clock: frozenClock(now),
    image: `${registry.host}/shop/api@${record.digest}`,
  });
const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

beforeAll(async () => {
  registry = await openTestRegistry();
  const folder = mkdtempSync(join(tmpdir(), 'cg-record-base-'));
  const buildBase = async (text: string) => {
    writeFileSync(join(folder, 'Dockerfile'), `FROM scratch\nLABEL text=${text}\nCOPY Dockerfile /\n`);
    const place = { cwd: folder, context: '.', env: { HOME: folder }, version: '1' };
    const { image, digest: at } = await buildImage({
      ...place,
      destination: `${registry.host}/base`,
      platforms: ['linux/amd64'],
    });
    return { reference: image, digest: at as Digest };
  };
  [base, other] = [await buildBase('one'), await buildBase('two')];
  rmSync(folder, { recursive: true });
});
afterAll(() => registry.stop());

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'cg-record-'));
  enrol();
  write('Dockerfile', `ARG A\nFROM ${base.reference}\nCOPY a /\n`);
  write('a', '1');
  const clock = frozenClock(builtAt);
  await buildStage({ cwd, env: env(), image: 'api', out: 'out/build.json', version: '1', clock });
  // Where the record went is a job before this one; its folder is not here.
  ({ record } = JSON.parse(readFileSync(join(cwd, 'out/build.json'), 'utf8')));
  rmSync(join(cwd, 'out'), { recursive: true });
  return () => rmSync(cwd, { recursive: true, force: true });
});

describe('the record of a build, before anybody signs it', () => {
  it('is signed as it is when it is what the checkout would build', async () => {
    expect(record.inputs).toBeDefined();
    // What stages before left in the job that signs was not there when it was built.
    write('.cg/scan/api/scan.json', '{}');
    expect(await check(record)).toEqual(record);
  });

  it.each([
    ['a file of the context', () => write('a', '2')],
    ['a file of the context', () => write('b', '')],
    ['the Dockerfile', () => write('Dockerfile', `ARG A\nFROM ${base.reference}\nCOPY a /b\n`)],
    ['the names of the bases', () => write('Dockerfile', `FROM ${other.reference}\nCOPY a /\n`)],
    ['the build arguments', () => enrol({ args: { A: '2' } })],
    ['the platforms', () => enrol({ platforms: ['linux/arm64'] })],
    ['the target', () => enrol({ target: '0' })],
  ])('is refused where the checkout has another: %s', async (what, change) => {
    change();
    await expect(check(record)).rejects.toMatchObject({ code: 'BUILD_UNTRUSTED', kind: 'trust' });
    await expect(check(record)).rejects.toThrow(what);
  });

  it.each([
    ['a file of the context', said => ({ inputs: { ...said.inputs, context: digest('a') } })],
    ['the Dockerfile', said => ({ inputs: { ...said.inputs, dockerfile: digest('a') } })],
    ['a base image', said => ({ inputs: { ...said.inputs, bases: digest('a') } })],
    ['a build argument', said => ({ inputs: { ...said.inputs, settings: digest('a') } })],
    ['a shared file', said => ({ inputs: { ...said.inputs, shared: digest('a') } })],
    ['the digest of all inputs', said => ({ inputs: { ...said.inputs, digest: digest('a') } })],
    ['the names of the bases', () => ({ bases: [] })],
    [
      'the names of the bases',
      said => ({ bases: [...said.bases, { reference: 'r.example/b:1', digest: digest('a') }] }),
    ],
    [
      'the digest of',
      said => ({ bases: said.bases.map(({ reference }) => ({ reference, digest: other.digest })) }),
    ],
    ['what else was fetched', () => ({ materials: [{ uri: 'https://example.com', digest: digest('a') }] })],
    ['the path of the Dockerfile', () => ({ dockerfile: 'Other' })],
    ['the folder of the context', () => ({ context: 'other' })],
    ['the target', () => ({ target: 'other' })],
    ['the platforms', () => ({ platforms: ['linux/arm64'] })],
    ['the build arguments', () => ({ buildArgs: { A: '1', B: '2' } })],
    ['the repository', () => ({ image: 'r.example/shop/api' })],
    ['it ended before it began', () => ({ finishedOn: '2026-01-02T03:04:04Z' })],
    ['it ended before it began', () => ({ startedOn: '2026-99-99T03:04:04Z' })],
    ['it ends in the future', () => ({ finishedOn: '2026-01-04T03:04:05Z' })],
    ['it is older than 7 days', () => ({ startedOn: '2020-01-01T00:00:00Z' })],
  ] as const satisfies [string, (said: BuildRecord) => object][])(
    'is refused when it says otherwise: %s',
    async (what, change) => {
      await expect(check({ ...record, ...change(record) } as BuildRecord)).rejects.toThrow(what);
    },
  );

  it('names a tag as its base only with a digest that is in the repository of it', async () => {
    const tagged = `${registry.host}/base:1`;
    write('Dockerfile', `FROM ${tagged}\nCOPY a /\n`);
    const { inputs: _inputs, ...said } = record;
    const standing = (on: Digest) => check({ ...said, bases: [{ reference: tagged, digest: on }] });
    await expect(standing(base.digest)).resolves.toMatchObject({ bases: [{ digest: base.digest }] });
    await expect(standing(digest('a'))).rejects.toThrow('the digest of');
  });

  it('speaks of no inputs of an image that is not enrolled under its repository, or where there is no list', async () => {
    const { inputs: _inputs, ...rest } = record;
    enrol({}, 'web');
    expect(await check(record)).toEqual(rest);
    rmSync(join(cwd, 'images.yaml'));
    expect(await check(record)).toEqual(rest);
    await expect(check({ ...record, startedOn: '2020-01-01T00:00:00Z' })).rejects.toThrow('older');
  });
});
