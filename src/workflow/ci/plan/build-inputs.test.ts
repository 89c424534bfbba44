import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '../../../model/digest.ts';
import { readFleet } from '../../images/read-fleet.ts';
import { hashInputs, joinInputs } from './build-inputs.ts';

let root: string;
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const entry = { name: 'web', dockerfile: 'web/Dockerfile', context: 'web' };
const build = (more: object) => write('images.yaml', JSON.stringify([{ ...entry, build: more }]));
const base = { reference: 'r.example/base:1', digest: `sha256:${'1'.repeat(64)}` as Digest };

async function inputs(bases = [base]) {
  const env = { PATH: process.env['PATH'], HOME: root };
  const fleet = await readFleet({ cwd: root, env });
  const [image] = fleet.images;
  if (image === undefined) throw new Error('no image');
  return joinInputs((await hashInputs(fleet, image, { env })).inputs, bases);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cg-inputs-'));
  build({ platforms: ['linux/amd64'], args: { A: '1', B: '2' } });
  write('web/Dockerfile', 'FROM scratch\nCOPY . /\n');
  write('web/.dockerignore', 'docs\n');
  write('web/a', '1');
  write('web/src/b', '2');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('what decides what is built', () => {
  it.each([
    ['a file', 'context', () => write('web/a', '2')],
    ['a file that is new', 'context', () => write('web/c', '')],
    ['a file that is gone', 'context', () => rmSync(join(root, 'web/src/b'))],
    ['a file that moved', 'context', () => (rmSync(join(root, 'web/a')), write('web/src/a', '1'))],
    ['a file that became a program', 'context', () => chmodSync(join(root, 'web/a'), 0o755)],
    ['a link', 'context', () => symlinkSync('a', join(root, 'web/link'))],
    ['what is left out', 'context', () => write('web/.dockerignore', 'src\n')],
    ['the Dockerfile', 'dockerfile', () => write('web/Dockerfile', 'FROM scratch\nCOPY a /\n')],
    ['an argument', 'settings', () => build({ platforms: ['linux/amd64'], args: { A: '1', B: '3' } })],
    ['a platform', 'settings', () => build({ platforms: ['linux/arm64'], args: { A: '1', B: '2' } })],
    [
      'the target',
      'settings',
      () => build({ platforms: ['linux/amd64'], args: { A: '1', B: '2' }, target: '0' }),
    ],
  ] as const)('is %s: %s', async (_what, part, change) => {
    const before = await inputs();
    change();
    const after = await inputs();
    expect(after[part]).not.toBe(before[part]);
    expect(after.digest).not.toBe(before.digest);
  });

  it('is what the bases are', async () => {
    const [before, after] = [await inputs(), await inputs([{ ...base, digest: `sha256:${'2'.repeat(64)}` }])];
    expect(after.bases).not.toBe(before.bases);
    expect(after.digest).not.toBe(before.digest);
    const other = { ...base, reference: 'r.example/other:1' };
    expect((await inputs([base, other])).digest).toBe((await inputs([other, base])).digest);
  });

  it.each([
    ['files that are left out', () => write('web/docs/x', '1')],
    ['files beside the context', () => write('other', '1')],
    ['what Git keeps for itself', () => write('web/.git/HEAD', 'x')],
    ['the time of a file', () => utimesSync(join(root, 'web/a'), 1, 1)],
    ['the permissions of others', () => chmodSync(join(root, 'web/a'), 0o600)],
    ['the order of arguments', () => build({ args: { B: '2', A: '1' }, platforms: ['linux/amd64'] })],
  ] as const)('is not: %s', async (_what, change) => {
    const before = await inputs();
    change();
    expect(await inputs()).toEqual(before);
  });
});
