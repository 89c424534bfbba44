import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStoryBench, type StoryBench } from '../../../../test/story-bench.ts';
import { findExample } from './find-example.ts';
import type { ToldStory } from './tell-story.ts';
import type { StoryEvent } from './teller.ts';

let bench: StoryBench;
beforeAll(async () => {
  bench = await openStoryBench();
});
afterAll(async () => {
  await bench.close();
});

async function tell(example?: string): Promise<ToldStory & { readonly events: readonly StoryEvent[] }> {
  const events: StoryEvent[] = [];
  const told = await bench.tell({
    onEvent: event => events.push(event),
    ...(example !== undefined && { example }),
  });
  await told.git.close();
  return { ...told, events };
}

/** A bookstore with one thing wrong. */
async function plant(change: (example: string) => Promise<void>): Promise<string> {
  const example = await mkdtemp(join(bench.folder, 'example-'));
  await cp(await findExample(), example, { recursive: true });
  await change(example);
  return example;
}

const edit = (path: string, from: string | RegExp, to: string) => async (example: string) => {
  const file = join(example, path);
  const before = await readFile(file, 'utf8');
  const after = before.replace(from, to);
  expect(after, `the fault must change ${path}`).not.toBe(before);
  await writeFile(file, after);
};

describe('the story of cg up', () => {
  it('is told to its end twice, and every promise is looked at', async () => {
    const first = await tell();
    expect(first.claims.length).toBeGreaterThanOrEqual(15);
    expect(first.claims.every(({ holds }) => holds)).toBe(true);
    expect(first.events.filter(({ kind }) => kind === 'chapter')).toHaveLength(9);
    expect((await tell()).claims).toEqual(first.claims);
  }, 60_000);

  it.each([
    [
      'a base without its flaw',
      edit('upstream/debian-1/rootfs/var/lib/dpkg/status', /3\.0\.13-1~deb12u1/g, '3.0.15-1~deb12u1'),
      'CLAIM_FAILED',
    ],
    [
      'a next base that has the flaw as well',
      edit('upstream/debian-2/rootfs/var/lib/dpkg/status', /3\.0\.15-1~deb12u1/g, '3.0.13-1~deb12u1'),
      'CLAIM_FAILED',
    ],
    [
      'a next base that cannot be built',
      edit('upstream/debian-2/Dockerfile', 'FROM scratch', 'FROM nowhere.invalid/x'),
      undefined,
    ],
    [
      'an advisory that is not there',
      (example: string) => rm(join(example, 'advisories/today/DEBIAN-CVE-2024-6119.json')),
      'CLAIM_FAILED',
    ],
    [
      'an advisory that cannot be read',
      edit('advisories/today/DEBIAN-CVE-2024-6119.json', '{', '['),
      undefined,
    ],
    [
      'no news tomorrow',
      edit('advisories/tomorrow/DEBIAN-CVE-2025-6020.json', /"pam"/g, '"other"'),
      'CLAIM_FAILED',
    ],
    [
      'another identity in the policy',
      edit(
        'shop/promotion.yaml',
        'subject: https://github.com/bookstore/',
        'subject: https://github.com/other/',
      ),
      'CLAIM_FAILED',
    ],
    [
      'another builder in the policy',
      edit('shop/promotion.yaml', /- https:\/\/gitlab\.com\/bookstore\//, '- https://gitlab.com/other/'),
      'CLAIM_FAILED',
    ],
    [
      'a rule that nobody knows',
      edit('shop/policy.yaml', '- cve', '- cve_of_tomorrow'),
      'POLICY_UNSUPPORTED',
    ],
    [
      'a command in a Dockerfile',
      edit('shop/services/web/Dockerfile', 'USER app', 'RUN true'),
      'BUILDER_UNSUITABLE',
    ],
    [
      'an environment that knows no web',
      edit('config/overlays/dev/kustomization.yaml', 'bookstore/web', 'bookstore/wob'),
      'EDIT_REFUSED',
    ],
    [
      'an images.yaml with a wrong key',
      edit('shop/images.yaml', 'dockerfile:', 'dockerfil:'),
      'CLAIM_FAILED',
    ],
  ])(
    '%s breaks it, and it says so',
    async (_, change, code) => {
      const example = await plant(change);
      const error = await tell(example).then(
        () => undefined,
        (failure: { readonly code?: string }) => failure,
      );
      expect(error).toBeInstanceOf(Error);
      if (code !== undefined) expect(error?.code).toBe(code);
    },
    60_000,
  );

  it('an init container by tag is seen by the rules of a cluster, and by nothing before', async () => {
    const example = await plant(
      edit(
        'config/base/web.yaml',
        '      containers:\n',
        '      initContainers:\n        - { name: migrate, image: "busybox:1" }\n      containers:\n',
      ),
    );
    await expect(tell(example)).rejects.toThrow('the rules of a cluster admit what runs in production');
  }, 60_000);
});
