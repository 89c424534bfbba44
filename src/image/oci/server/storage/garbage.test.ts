import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Client,
  descriptorOf,
  digestOf,
  makeImage,
  makeIndex,
  randomBytes,
  type SampleImage,
  seededRandom,
} from '../../../../../test/registry-content.ts';
import type { Clock } from '../../../../model/clock.ts';
import { mediaTypes } from '../../../../model/descriptor.ts';
import { type RunningRegistry, startRegistry } from '../start-registry.ts';

const hour = 3_600_000;

/** The system's time, moved forward by hand. */
function movableClock(): Clock & { ahead: number } {
  return {
    ahead: 0,
    now() {
      return new Date(Date.now() + this.ahead);
    },
  };
}

describe('garbage collection', () => {
  let folder: string;
  let registry: RunningRegistry;
  let client: Client;
  const clock = movableClock();

  const start = async (grace: number): Promise<void> => {
    clock.ahead = 0;
    registry = await startRegistry({ data: folder, clock, grace });
    client = new Client(registry.url, 'shop/web');
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cg-gc-'));
  });
  afterEach(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });

  it('removes what nothing names once it is older than the grace, and frees its bytes', async () => {
    await start(hour);
    const random = seededRandom(1);
    const kept = makeImage(random);
    await client.pushImage(kept, 'v1');
    const before = await registry.usage();
    const orphan = randomBytes(random, 5_000);
    await client.pushBlob(orphan);
    expect(await registry.collectGarbage()).toMatchObject({ links: 0, contents: 0 });
    clock.ahead = 2 * hour;
    expect(await registry.collectGarbage()).toMatchObject({ links: 1, contents: 1, bytes: 5_000 });
    expect((await client.send('HEAD', `blobs/${digestOf(orphan)}`)).status).toBe(404);
    expect(await client.problemOf(kept, 'v1')).toBeUndefined();
    expect((await registry.usage()).usedBytes).toBe(before.usedBytes);
  });

  it('keeps untagged manifests, and removes them with their blobs when asked', async () => {
    await start(0);
    const random = seededRandom(2);
    const [old, current] = [makeImage(random), makeImage(random)];
    await client.pushImage(old, 'latest');
    await client.pushImage(current, 'latest');
    expect(await registry.collectGarbage()).toMatchObject({ manifests: 0, links: 0, contents: 0 });
    expect((await client.send('HEAD', `manifests/${old.digest}`)).status).toBe(200);
    expect(await registry.collectGarbage({ untagged: true })).toMatchObject({ manifests: 1, contents: 3 });
    expect((await client.send('GET', `manifests/${old.digest}`)).status).toBe(404);
    expect(await client.problemOf(current, 'latest')).toBeUndefined();
  });

  it('keeps the children of an index and whatever refers to what stays, however deep', async () => {
    await start(0);
    const random = seededRandom(3);
    const child = makeImage(random);
    await client.pushImage(child);
    const index = makeIndex([child]);
    await client.pushManifest('multi', index, mediaTypes.index);
    const signature = makeImage(random, { subject: descriptorOf(child.manifest, mediaTypes.manifest) });
    const countersign = makeImage(random, { subject: descriptorOf(signature.manifest, mediaTypes.manifest) });
    const stranger = makeImage(random, { subject: descriptorOf(Buffer.from('gone'), mediaTypes.manifest) });
    for (const each of [signature, countersign, stranger]) await client.pushImage(each);
    expect(await registry.collectGarbage({ untagged: true })).toMatchObject({ manifests: 1 });
    for (const each of [child, signature, countersign]) expect(await client.problemOf(each)).toBeUndefined();
    expect((await client.send('GET', `manifests/${stranger.digest}`)).status).toBe(404);
    // The list that became empty is made again when it is needed.
    expect((await client.pushImage(stranger)).status).toBe(201);
  });

  it('renews the grace of a blob that a client was told is here', async () => {
    await start(hour);
    const bytes = randomBytes(seededRandom(4), 100);
    await client.pushBlob(bytes);
    clock.ahead = 0.9 * hour;
    expect((await client.send('HEAD', `blobs/${digestOf(bytes)}`)).status).toBe(200);
    clock.ahead = 1.5 * hour;
    await registry.collectGarbage();
    expect((await client.send('HEAD', `blobs/${digestOf(bytes)}`)).status).toBe(200);
  });

  it('keeps content that another repository still names', async () => {
    await start(0);
    const random = seededRandom(5);
    const image = makeImage(random);
    const other = new Client(registry.url, 'shop/other');
    for (const each of [client, other]) await each.pushImage(image, 'v1');
    await client.send('DELETE', `manifests/${image.digest}`);
    await registry.collectGarbage();
    expect(await other.problemOf(image, 'v1')).toBeUndefined();
    expect((await client.send('HEAD', `blobs/${digestOf(image.blobs[0] ?? '')}`)).status).toBe(404);
  });

  it('gives up uploads that nobody continued', async () => {
    await start(hour);
    const { headers } = await client.send('POST', 'blobs/uploads/');
    clock.ahead = 25 * hour;
    expect(await registry.collectGarbage()).toMatchObject({ uploads: 1 });
    expect((await client.sendTo('GET', headers.location ?? '')).status).toBe(404);
    expect(await readdir(join(folder, 'repositories'))).toEqual([]);
  });

  it.each([
    { grace: 0, untagged: false, seed: 11 },
    { grace: 0, untagged: true, seed: 12 },
    { grace: hour, untagged: true, seed: 13 },
  ])(
    'never loses an acknowledged image, whatever is pushed, mounted and deleted meanwhile ($grace ms, untagged: $untagged)',
    async ({ grace, untagged, seed }) => {
      await start(grace);
      const alive = new Map<string, SampleImage>();
      let refused = 0;
      const writing = { isDone: false };
      let collections = 0;
      const collect = async (): Promise<void> => {
        for (; !writing.isDone; collections++) await registry.collectGarbage({ untagged });
      };
      const write = async (writer: number): Promise<void> => {
        const random = seededRandom(seed * 100 + writer);
        const repository = new Client(registry.url, `race/app-${writer % 2}`);
        // A few images that are pushed and deleted again and again, by several writers with the same blobs.
        const pool = Array.from({ length: 4 }, (_, index) =>
          makeImage(seededRandom(seed * 10 + index), {}, 2),
        );
        for (let step = 0; step < 25; step++) {
          const image = pool[Math.floor(random() * pool.length)];
          if (!image) continue;
          const tag = `w${writer}-${Math.floor(random() * 3)}`;
          if (random() < 0.3) {
            await repository.send('DELETE', `manifests/${tag}`);
            alive.delete(`${repository.repository}:${tag}`);
            continue;
          }
          for (;;) {
            await pushLazily(repository, `race/app-${(writer + 1) % 2}`, image);
            const answer = await repository.pushManifest(tag, image.manifest);
            if (answer.status === 201) break;
            expect(answer.code()).toBe('MANIFEST_BLOB_UNKNOWN');
            refused++;
          }
          alive.set(`${repository.repository}:${tag}`, image);
          expect(await repository.problemOf(image, tag)).toBeUndefined();
        }
      };
      const collecting = collect();
      await Promise.all([0, 1, 2, 3].map(write));
      writing.isDone = true;
      await collecting;
      expect(collections).toBeGreaterThan(3);
      if (grace > 0) expect(refused).toBe(0);
      for (const [name, image] of alive) {
        const [repository = '', tag = ''] = name.split(':');
        expect([name, await new Client(registry.url, repository).problemOf(image, tag)]).toEqual([
          name,
          undefined,
        ]);
      }
    },
  );

  it('never takes away what a push that began with it relies on', async () => {
    await start(hour);
    const pool = Array.from({ length: 3 }, (_, index) => makeImage(seededRandom(700 + index), {}, 3));
    for (let round = 0; round < 40; round++) {
      // Everything that earlier rounds left is garbage now, and old enough.
      clock.ahead += 2 * hour;
      const random = seededRandom(round);
      const push = async (writer: number): Promise<void> => {
        await wait(Math.floor(random() * 60));
        const image = pool[(round + writer) % pool.length];
        if (!image) return;
        const repository = new Client(registry.url, `round/app-${writer % 2}`);
        await pushLazily(repository, `round/app-${(writer + 1) % 2}`, image);
        const answer = await repository.pushManifest('v1', image.manifest);
        expect([round, writer, answer.status, answer.code()]).toEqual([round, writer, 201, undefined]);
        expect(await repository.problemOf(image)).toBeUndefined();
      };
      const collecting = registry.collectGarbage({ untagged: true });
      await Promise.all([0, 1, 2, 3].map(push));
      await collecting;
      for (const app of [0, 1])
        await new Client(registry.url, `round/app-${app}`).send('DELETE', 'manifests/v1');
    }
  });
});

/** Lets others go first for a number of turns of the event loop. */
async function wait(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>(resolve => setImmediate(resolve));
}

/** As real clients push: look first, then mount, then upload. */
async function pushLazily(client: Client, from: string, image: SampleImage): Promise<void> {
  for (const blob of image.blobs) {
    const digest = digestOf(blob);
    if ((await client.send('HEAD', `blobs/${digest}`)).status === 200) continue;
    const mounted = await client.send(
      'POST',
      `blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from)}`,
    );
    if (mounted.status === 201) continue;
    expect((await client.pushBlob(blob)).status).toBe(201);
  }
}
