import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, digestOf, makeImage, type SampleImage, seededRandom } from '../registry-content.ts';
import { type RegistryProcess, startRegistryProcess } from '../registry-process.ts';

/** What a writer was told: this reference holds this image. */
type Acknowledged = Map<string, { readonly client: string; readonly image: SampleImage }>;

const writers = 4;

describe('a registry that is killed without warning', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cg-registry-kill-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('serves every acknowledged push of 200 after the restart, and nothing broken', async () => {
    const { acknowledged, kills } = await pushUnderKills(join(folder, 'data'), 200, false);
    expect(acknowledged.size).toBe(200);
    expect(kills).toBeGreaterThanOrEqual(9);
    await expectWhole(join(folder, 'data'), acknowledged);
  });

  it('loses nothing when it is killed while it collects garbage', async () => {
    const { acknowledged, kills } = await pushUnderKills(join(folder, 'data'), 80, true);
    expect(acknowledged.size).toBe(80);
    expect(kills).toBeGreaterThanOrEqual(4);
    await expectWhole(join(folder, 'data'), acknowledged);
  });
});

/** Writers push until each push is acknowledged; the registry dies at random moments in between. */
async function pushUnderKills(
  data: string,
  pushes: number,
  collecting: boolean,
): Promise<{ readonly acknowledged: Acknowledged; readonly kills: number }> {
  const random = seededRandom(pushes);
  const acknowledged: Acknowledged = new Map();
  // Without grace, collection sweeps what a push has not named yet; then the push is refused, and repeated.
  const grace = collecting ? 0 : 3_600_000;
  let registry: RegistryProcess = await startRegistryProcess({ data, grace });
  let kills = 0;
  let restarting: Promise<void> | undefined;
  const restart = async (): Promise<void> => {
    await registry.kill();
    kills++;
    registry = await startRegistryProcess({ data, grace });
  };
  let next = 0;
  let nextKill = 10;
  const write = async (): Promise<void> => {
    for (let push = next++; push < pushes; push = next++) {
      const own = seededRandom(push);
      const repository = `shop/app-${push % 3}`;
      const image = makeImage(own, {}, 1 + (push % 3));
      for (;;) {
        await restarting;
        // A push that fails is a push that was not acknowledged: the client starts over.
        const answer = await new Client(registry.url, repository)
          .pushImage(image, `v${push}`)
          .catch(() => undefined);
        if (answer?.status === 201) break;
      }
      acknowledged.set(`v${push}`, { client: repository, image });
      if (collecting) {
        // Something to sweep, every time.
        await new Client(registry.url, repository)
          .pushBlob(Buffer.from(`garbage ${push}`))
          .catch(() => undefined);
        registry.collect();
      }
      if (acknowledged.size >= nextKill && restarting === undefined) {
        nextKill += 20;
        restarting = new Promise<void>(resolve => setTimeout(resolve, Math.floor(random() * 25)))
          .then(restart)
          .finally(() => {
            restarting = undefined;
          });
      }
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  await restarting;
  await restart();
  await registry.stop();
  return { acknowledged, kills };
}

async function expectWhole(data: string, acknowledged: Acknowledged): Promise<void> {
  const registry = await startRegistryProcess({ data });
  try {
    const problems: string[] = [];
    for (const [tag, { client, image }] of acknowledged) {
      const problem = await new Client(registry.url, client).problemOf(image, tag);
      if (problem !== undefined) problems.push(problem);
    }
    expect(problems).toEqual([]);
    expect(await readdir(join(data, 'temporary'))).toEqual([]);
    expect(await brokenTags(registry.url)).toEqual([]);
  } finally {
    await registry.stop();
  }
}

/** Tags whose manifest, or something that it names, cannot be read. */
async function brokenTags(url: string): Promise<string[]> {
  const broken: string[] = [];
  const catalog = await new Client(url, 'x').sendTo('GET', '/v2/_catalog');
  for (const repository of catalog.json().repositories as string[]) {
    const client = new Client(url, repository);
    for (const tag of (await client.send('GET', 'tags/list')).json().tags as string[]) {
      const manifest = await client.send('GET', `manifests/${tag}`);
      const { config, layers } = manifest.json() as Record<string, { digest: string }[] & { digest: string }>;
      for (const { digest } of [config, ...(layers ?? [])].flatMap(entry => entry ?? [])) {
        const { body } = await client.send('GET', `blobs/${digest}`);
        if (digestOf(body) !== digest) broken.push(`${repository}:${tag} ${digest}`);
      }
    }
  }
  return broken;
}
