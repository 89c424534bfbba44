import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../test/cli/pretend.ts';
import { faultOf } from '../../test/faults.ts';
import { imageOf, pushImage } from '../../test/images.ts';
import { useRegistry } from '../../test/running-registry.ts';
import { openSigningBench, type SigningBench } from '../../test/signing-place.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import { open } from '../image/oci/open.ts';
import { systemClock } from '../model/clock.ts';
import { imagesOfEnvironment } from './presync.ts';

const bench = useRegistry();
let signing: SigningBench;
beforeAll(async () => {
  signing = await openSigningBench();
});
afterAll(async () => {
  await signing.close();
});

describe('the images of a sync', () => {
  it('are those that the variables name, in order', () => {
    expect(
      imagesOfEnvironment({ GATE_IMAGE_1: 'b', GATE_IMAGE_0: 'a', GATE_IMAGES: ' c\n d ' }, false),
    ).toEqual({ images: ['a', 'b', 'c', 'd'], holes: [] });
  });

  it.each([
    [{ GATE_IMAGE_0: 'unset' }, [], ['GATE_IMAGE_0']],
    [{ GATE_IMAGE_0: '' }, [], ['GATE_IMAGE_0']],
    [{ GATE_IMAGE_0: 'a', GATE_IMAGE_2: 'c' }, ['a', 'c'], ['GATE_IMAGE_1']],
    [{ GATE_IMAGE_1: 'b' }, ['b'], ['GATE_IMAGE_0']],
    [{ GATE_IMAGES: 'a unset' }, ['a'], ['GATE_IMAGES']],
    [{ GATE_IMAGE_0: 'a', GATE_IMAGE_10000: 'b' }, ['a'], ['GATE_IMAGE_10000']],
    [{ GATE_IMAGE_0: 'a', GATE_IMAGE_01: 'b' }, ['a'], ['GATE_IMAGE_01']],
    [{ GATE_IMAGE_web: 'b' }, [], ['GATE_IMAGE_web']],
    [{ GATE_IMAGES: '' }, [], ['GATE_IMAGES']],
  ])('%j: the others are judged, and the hole stops the sync', (env, images, names) => {
    const { images: found, holes } = imagesOfEnvironment(env, false);
    expect(found).toEqual(images);
    expect(holes.map(({ image, exit }) => [image, exit])).toEqual(names.map(name => [name, 2]));
  });

  it('cannot be nothing at all', async () => {
    const fault = await faultOf((async () => imagesOfEnvironment({}, false))());
    expect([fault.code, fault.kind]).toEqual(['USAGE', 'usage']);
  });
});

describe('cg presync', () => {
  async function openImages(): Promise<{ host: string; image: (word: string) => Promise<string> }> {
    await bench.start();
    const host = new URL(bench.registry?.url ?? '').host;
    const image = async (word: string) => {
      const access = new RegistryAccess({ env: {} });
      try {
        const { registry } = await open(`${host}/shop/web:x`, access, { to: 'write' });
        return `${host}/shop/web@${await pushImage(registry, imageOf(word), word)}`;
      } finally {
        access.close();
      }
    };
    return { host, image };
  }

  const run = (env: Record<string, string>, ...words: string[]) =>
    runCli(['presync', ...words], {
      cwd: signing.folder,
      clock: systemClock,
      env: { HOME: signing.folder, CG_SIGSTORE_DATA: signing.data, ...env },
    });

  it('lets signed digests through, denies all else by name, and leaves its last words', async () => {
    const { host, image } = await openImages();
    const [good, stranger] = [await image('good'), await image('stranger')];
    const sign = {
      cwd: signing.folder,
      clock: systemClock,
      env: { HOME: signing.folder, CG_SIGSTORE_DATA: signing.data },
    };
    expect((await runCli(['sign', good, '--local'], sign)).code).toBe(0);
    const policy = [
      '--certificate-oidc-issuer',
      signing.identity.issuer,
      '--certificate-identity',
      signing.identity.subject,
      '--skip-att-sig-check',
      '--allow-local-trust',
    ];
    const log = join(signing.folder, 'termination-log');
    await writeFile(log, '');
    const allowed = await run({ GATE_IMAGE_0: good }, ...policy, '--termination-log', 'termination-log');
    expect([allowed.code, await readFile(log, 'utf8')]).toEqual([
      0,
      'allow: 1 of 1 images may be synchronised',
    ]);
    const words = [...policy, '--termination-log', 'termination-log', '--output', 'json'];
    const components = JSON.stringify({ components: [{ name: 'web', containerImage: good }] });
    expect((await run({}, '--images', components, ...policy)).code).toBe(0);
    const denied = await run({ GATE_IMAGES: `${good} ${stranger} ${host}/shop/web:good` }, ...words);
    expect(denied.code).toBe(1);
    const result = JSON.parse(denied.stdout);
    const schema = JSON.parse(
      await readFile(join(import.meta.dirname, '../../schema/output/presync.schema.json'), 'utf8'),
    );
    expect(new Ajv2020().compile(schema)(result)).toBe(true);
    expect(
      result.images.map(({ exit, decision }: { exit: number; decision: string }) => [exit, decision]),
    ).toEqual([
      [0, 'allow'],
      [1, 'deny'],
      [1, 'deny'],
    ]);
    expect(await readFile(log, 'utf8')).toMatch(
      /^deny: 1 of 3 images may be synchronised\n.*builtin\.image\.signature_check/,
    );
  });

  it('tells trouble that a retry may change from an answer that is final', async () => {
    const policy = ['--certificate-oidc-issuer', 'https://x.example', '--certificate-identity', 'y'];
    const gone = `127.0.0.1:9/shop/web@sha256:${'0'.repeat(64)}`;
    expect((await run({ GATE_IMAGE_0: gone }, ...policy)).code).toBe(3);
    expect((await run({ GATE_IMAGE_0: gone, GATE_IMAGE_1: '127.0.0.1:9/shop/web:1' }, ...policy)).code).toBe(
      1,
    );
    expect((await run({ GATE_IMAGE_0: 'Upper/Case@x' }, ...policy)).code).toBe(2);
    expect((await run({}, ...policy)).code).toBe(2);
    // A retry finds the same digest.
    expect(
      (await run({ GATE_IMAGE_0: `127.0.0.1:9/shop/web@sha512:${'0'.repeat(128)}` }, ...policy)).code,
    ).toBe(1);
    const log = join(signing.folder, 'last-words');
    await writeFile(log, '');
    expect((await run({ GATE_IMAGE_0: 'unset' }, ...policy, '--termination-log', 'last-words')).code).toBe(2);
    expect(await readFile(log, 'utf8')).toBe(
      'misconfigured: 0 of 1 images may be synchronised\nGATE_IMAGE_0: an image of the list was never filled in',
    );
    const forged = await run({ GATE_IMAGE_0: 'unset', GATE_IMAGE_1: gone, GATE_IMAGES: 'a/b:1' }, ...policy);
    expect(forged.code).toBe(2);
    expect(forged.stdout + forged.stderr).toContain(gone);
    expect((await run({ GATE_IMAGE_0: gone }, '--env', 'prod')).code).toBe(2);
  }, 30_000);

  it('says that something cannot be trusted also where the list has a hole', async () => {
    const liar = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }).end('{}');
    });
    await new Promise<void>(resolve => {
      liar.listen(0, '127.0.0.1', resolve);
    });
    try {
      const { port } = liar.address() as AddressInfo;
      const image = `127.0.0.1:${port}/shop/web@sha256:${'0'.repeat(64)}`;
      const policy = ['--certificate-oidc-issuer', 'https://x.example', '--certificate-identity', 'y'];
      expect((await run({ GATE_IMAGE_0: image }, ...policy)).code).toBe(4);
      expect((await run({ GATE_IMAGE_0: 'unset', GATE_IMAGE_2: image }, ...policy)).code).toBe(4);
    } finally {
      liar.close();
    }
  });
});
