import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConfigRepository, createConfigRepository } from '../../test/environments.ts';
import { faultOf } from '../../test/faults.ts';
import { imageOf, pushImage } from '../../test/images.ts';
import { findPeer } from '../../test/peers.ts';
import { useRegistry } from '../../test/running-registry.ts';
import { open } from '../image/oci/open.ts';
import { frozenClock } from '../model/clock.ts';
import { type BumpImagesOptions, bumpImages } from './bump-images.ts';
import { promoteImages } from './promote-images.ts';
import { promoteInRegistry } from './promote-in-registry.ts';
import { reachRegistries } from './reach-registries.ts';
import { rollBack } from './roll-back.ts';
import { showEnvironments } from './show-environments.ts';

const bench = useRegistry();
const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  ...(findPeer('kustomize58') !== undefined && { CG_KUSTOMIZE: findPeer('kustomize58') }),
};

interface Shop {
  readonly config: ConfigRepository;
  readonly host: string;
  /** A new image of a repository, by digest. */
  image(repository: string, word: string): Promise<string>;
  reach: Pick<BumpImagesOptions, 'cwd' | 'env' | 'allowUnverified' | 'reason'>;
}

async function openShop(o: { images?: string; environments?: string } = {}): Promise<Shop> {
  await bench.start();
  const host = new URL(bench.registry?.url ?? '').host;
  const images =
    o.images ??
    `- name: shop/web # the page\n  newName: ${host}/shop/web\n- {name: shop/api, newName: ${host}/shop/api}\n`;
  const config = createConfigRepository(images, o);
  return {
    config,
    host,
    reach: { cwd: config.project, env, allowUnverified: true, reason: 'a test' },
    image: async (repository, word) =>
      await reachRegistries({ env: {} }, [], async access => {
        const { registry } = await open(`${host}/${repository}:x`, access, { to: 'write' });
        return `${host}/${repository}@${await pushImage(registry, imageOf(word))}`;
      }),
  };
}

const digestOf = (image: string) => image.slice(image.indexOf('@') + 1);

describe('bump', () => {
  it('pins several images in one commit that changes their lines only, and says so in trailers', async () => {
    const shop = await openShop();
    const [web, api] = [await shop.image('shop/web', 'w1'), await shop.image('shop/api', 'a1')];
    const before = shop.config.show('overlays/dev/kustomization.yaml');
    const done = await bumpImages({ ...shop.reach, environment: 'dev', images: [web, api] });
    expect(done).toMatchObject({
      pushed: true,
      attempts: 1,
      changes: [{ name: 'shop/web' }, { name: 'shop/api' }],
    });
    expect(shop.config.show('overlays/dev/kustomization.yaml')).toBe(
      before
        .replace(`/shop/web\n`, `/shop/web\n  digest: ${digestOf(web)}\n`)
        .replace('/shop/api}', `/shop/api, digest: ${digestOf(api)}}`),
    );
    expect(shop.config.message().trim()).toBe(
      `deploy(dev): shop/web and 1 more\n\nImage: ${web}\nImage: ${api}\nReason: a test\nEvidence: unverified`,
    );
    expect(shop.config.show('overlays/prod/kustomization.yaml')).not.toContain('digest');
    const again = await bumpImages({ ...shop.reach, environment: 'dev', images: [web] });
    expect(again).toMatchObject({ pushed: false, changes: [] });
    expect(shop.config.log()).toHaveLength(2);
  });

  it('refuses tags, short digests, digests that the registry lacks and what nobody vouches for, before Git is touched', async () => {
    const shop = await openShop();
    const web = await shop.image('shop/web', 'w1');
    const refusal = async (image: string, o: object = {}) =>
      (await faultOf(bumpImages({ ...shop.reach, environment: 'dev', images: [image], ...o }))).code;
    expect(await refusal(`${shop.host}/shop/web:1`)).toBe('REFERENCE_INVALID');
    expect(await refusal(`${shop.host}/shop/web@sha256:abc`)).toBe('REFERENCE_INVALID');
    expect(await refusal(`${shop.host}/shop/web@sha256:${'0'.repeat(64)}`)).toBe('NOT_FOUND');
    expect(await refusal(web, { allowUnverified: false })).toBe('PROMOTION_REFUSED');
    expect(await refusal(web, { environment: 'prd' })).toBe('USAGE');
    const twice = bumpImages({ ...shop.reach, environment: 'dev', images: [web, web] });
    expect((await faultOf(twice)).code).toBe('USAGE');
    expect(shop.config.log()).toEqual(['Begin']);
  });

  it('plans without a push, makes entries when asked, and names the entry that is meant', async () => {
    const shop = await openShop();
    const web = await shop.image('shop/web', 'w1');
    const other = await shop.image('shop/extra', 'e1');
    const plan = await bumpImages({ ...shop.reach, environment: 'dev', images: [web], plan: true });
    expect([plan.pushed, plan.changes.length, shop.config.log().length]).toEqual([false, 1, 1]);
    const missing = await faultOf(bumpImages({ ...shop.reach, environment: 'dev', images: [other] }));
    expect([missing.code, missing.message]).toEqual(['EDIT_REFUSED', expect.stringContaining('(MISSING)')]);
    await bumpImages({ ...shop.reach, environment: 'dev', images: [`extra=${other}`], add: true });
    expect(shop.config.show('overlays/dev/kustomization.yaml')).toContain(
      `- name: extra\n  newName: ${shop.host}/shop/extra\n  digest: ${digestOf(other)}\n`,
    );
  });

  it.skipIf(findPeer('kustomize58') === undefined)(
    'refuses an edit that renders to more than was meant [needs kustomize58]',
    async () => {
      // To kustomize a name is a pattern: this one also takes the other image.
      const shop = await openShop({ images: '- name: shop/...\n- name: shop/api\n  newTag: v1\n' });
      const web = await shop.image('shop/web', 'w1');
      const fault = await faultOf(
        bumpImages({ ...shop.reach, environment: 'dev', images: [`shop/...=${web}`] }),
      );
      expect([fault.code, shop.config.log().length]).toEqual(['EDIT_REFUSED', 1]);
    },
  );

  it('of many writers at once loses nothing', async () => {
    const names = Array.from({ length: 8 }, (_, at) => `svc${at}`);
    const shop = await openShop({ images: names.map(name => `- name: ${name}\n  newTag: v1\n`).join('') });
    const images = await Promise.all(
      names.map(async name => `${name}=${await shop.image('shop/web', name)}`),
    );
    const done = await Promise.all(
      images.map(image =>
        bumpImages({ ...shop.reach, env: { PATH: env.PATH }, environment: 'dev', images: [image] }),
      ),
    );
    expect(done.every(({ pushed }) => pushed)).toBe(true);
    expect(shop.config.log()).toHaveLength(1 + names.length);
    const text = shop.config.show('overlays/dev/kustomization.yaml');
    for (const image of images) expect(text).toContain(digestOf(image));
  }, 60_000);
});

describe('promotion', () => {
  it('moves digests in order, says what held, and can be rolled back', async () => {
    const shop = await openShop();
    const [one, two] = [await shop.image('shop/web', 'w1'), await shop.image('shop/web', 'w2')];
    const bump = (image: string) => bumpImages({ ...shop.reach, environment: 'dev', images: [image] });
    await bump(one);
    const moved = await promoteImages({ ...shop.reach, from: 'dev', to: 'staging', names: ['shop/web'] });
    expect(moved.conditions.map(({ code, holds }) => [code, holds])).toEqual([
      ['order', true],
      ['not-running', 'unseen'],
      ['soak', true],
      ['evidence', 'waived'],
    ]);
    expect(shop.config.message()).toMatch(
      /^deploy\(staging\): shop\/web .*\n\nImage: shop\/web@sha256:\w+\nPromoted-From: dev@\w{40}\n/,
    );
    await bump(two);
    await promoteImages({ ...shop.reach, from: 'dev', to: 'staging', names: ['shop/web'] });
    expect(shop.config.show('overlays/staging/kustomization.yaml')).toContain(digestOf(two));
    await rollBack({ ...shop.reach, environment: 'staging', reason: 'it broke' });
    expect(shop.config.show('overlays/staging/kustomization.yaml')).toContain(digestOf(one));
    expect(shop.config.message()).toContain(`Rolled-Back-From: shop/web@${digestOf(two)}\nReason: it broke`);
    const matrix = await showEnvironments({ cwd: shop.config.project, env });
    expect(matrix.services.find(({ name }) => name === 'shop/web')?.cells).toMatchObject([
      { environment: 'dev', digest: digestOf(two), inRegistry: true },
      { environment: 'staging', digest: digestOf(one), inRegistry: true },
      { environment: 'prod', image: `${shop.host}/shop/web` },
    ]);
  }, 60_000);

  it('takes a name that no entry has for a typing error, also beside right names', async () => {
    const shop = await openShop();
    for (const word of ['w1', 'w2'])
      await bumpImages({ ...shop.reach, environment: 'dev', images: [await shop.image('shop/web', word)] });
    const rollBackOf = async (...names: string[]) =>
      await faultOf(rollBack({ ...shop.reach, environment: 'dev', names }));
    for (const names of [['web'], ['shop/web', 'web'], ['shop/wbe']]) {
      const { kind, expected, next } = await rollBackOf(...names);
      expect([kind, expected, next]).toEqual(['usage', 'shop/web, shop/api', 'did you mean shop/web?']);
    }
    expect((await rollBackOf('nothing-like-it')).next).toBe('name entries as the file does');
    expect((await rollBackOf('shop/api')).code).toBe('PROMOTION_REFUSED');
    expect(shop.config.log()).toHaveLength(3);
  }, 60_000);

  it('refuses to skip an environment or a wait, unless it is a hotfix with a reason', async () => {
    const shop = await openShop({
      environments:
        '    dev: { path: overlays/dev }\n    staging: { path: overlays/staging, soak: 2h }\n    prod: { path: overlays/prod }\n',
    });
    await bumpImages({ ...shop.reach, environment: 'dev', images: [await shop.image('shop/web', 'w1')] });
    const promote = (from: string, to: string, o: object = {}) =>
      promoteImages({ ...shop.reach, from, to, names: ['shop/web'], ...o });
    expect((await faultOf(promote('dev', 'prod'))).message).toContain('order');
    expect((await faultOf(promote('dev', 'staging'))).actual).toMatch(
      /soak of .*: in dev for .*2 h are asked for/,
    );
    expect((await faultOf(promote('staging', 'prod'))).message).toContain('not-in-source');
    const tomorrow = frozenClock(new Date(Date.now() + 86_400_000));
    expect(await promote('dev', 'staging', { clock: tomorrow })).toMatchObject({ pushed: true });
    await promote('dev', 'prod', { hotfix: 'CVE of the day' });
    expect(shop.config.message()).toContain('Hotfix-Reason: CVE of the day');
  }, 60_000);

  it('in a registry sets a tag on the digest that was judged', async () => {
    const shop = await openShop();
    const web = await shop.image('shop/web', 'w1');
    const done = await promoteInRegistry({
      env: {},
      image: web,
      tag: 'latest',
      allowUnverified: true,
      reason: 'a test',
    });
    expect(done).toMatchObject({
      target: `${shop.host}/shop/web:latest`,
      copied: { root: { digest: digestOf(web) } },
    });
    expect((await faultOf(promoteInRegistry({ env: {}, image: web, tag: 'x' }))).code).toBe(
      'PROMOTION_REFUSED',
    );
    expect(
      (await faultOf(promoteInRegistry({ env: {}, image: web, allowUnverified: true, reason: 'a test' })))
        .code,
    ).toBe('USAGE');
  });

  it('never follows a link of the repository', async () => {
    const shop = await openShop();
    const work = join(shop.config.project, 'work');
    execFileSync('git', ['clone', '--quiet', shop.config.remote, work]);
    execFileSync('ln', ['-sf', '/etc/hostname', join(work, 'overlays/dev/kustomization.yaml')]);
    writeFileSync(join(work, 'note'), '');
    const git = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-C', work];
    execFileSync('git', [...git, 'add', '-A']);
    execFileSync('git', [...git, 'commit', '--quiet', '-m', 'Link']);
    execFileSync('git', [...git, 'push', '--quiet']);
    const fault = await faultOf(
      bumpImages({ ...shop.reach, environment: 'dev', images: [await shop.image('shop/web', 'w1')] }),
    );
    expect([fault.code, fault.message]).toEqual(['EDIT_REFUSED', expect.stringContaining('(SHAPE)')]);
  });
});
