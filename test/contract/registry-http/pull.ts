import { expect } from 'vitest';
import { mediaTypes } from '../../../src/model/descriptor.ts';
import { call } from '../../http-call.ts';
import { digestOf, makeImage, makeIndex, randomBytes } from '../../registry-content.ts';
import type { Case } from '../registry-http.ts';

const absent = `sha256:${'0'.repeat(64)}`;

export const pullCases: readonly Case[] = [
  {
    name: 'GET /v2/ says that the API is here',
    run: async ({ base }) => {
      expect((await call(base, 'GET', '/v2/')).status).toBe(200);
    },
  },
  {
    name: 'a pushed image comes back byte by byte, by tag and by digest',
    run: async ({ client, random }) => {
      const image = makeImage(random, {}, 3);
      expect((await client.pushImage(image, 'v1')).status).toBe(201);
      expect(await client.problemOf(image, 'v1')).toBeUndefined();
      expect(await client.problemOf(image)).toBeUndefined();
    },
  },
  {
    name: 'a manifest is answered with its type, digest and length, to GET and to HEAD',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      await client.pushImage(image, 'v1');
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, body } = await client.send(method, 'manifests/v1', {
          headers: { accept: mediaTypes.manifest },
        });
        expect([status, headers['content-type'], headers['docker-content-digest']]).toEqual([
          200,
          mediaTypes.manifest,
          image.digest,
        ]);
        expect(headers['content-length']).toBe(String(image.manifest.length));
        expect(body.length).toBe(method === 'HEAD' ? 0 : image.manifest.length);
      }
    },
  },
  {
    name: 'a blob is answered with its digest and length, to GET and to HEAD',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 3_000);
      await client.pushBlob(bytes);
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, body } = await client.send(method, `blobs/${digestOf(bytes)}`);
        expect([status, headers['content-length']]).toEqual([200, '3000']);
        expect(headers['docker-content-digest']).toBe(digestOf(bytes));
        expect(body.length).toBe(method === 'HEAD' ? 0 : 3_000);
      }
    },
  },
  {
    name: 'an empty blob can be pushed and pulled',
    run: async ({ client }) => {
      expect((await client.pushBlob(Buffer.alloc(0))).status).toBe(201);
      const { status, headers, body } = await client.send('GET', `blobs/${digestOf('')}`);
      expect([status, headers['content-length'], body.length]).toEqual([200, '0', 0]);
    },
  },
  {
    name: 'a blob of several mebibytes comes back whole',
    run: async ({ client, random }) => {
      const bytes = Buffer.concat(
        Array.from({ length: 50 }, () => randomBytes(random, 1_000)).flatMap(b =>
          Array.from({ length: 70 }, () => b),
        ),
      );
      await client.pushBlob(bytes);
      const { body } = await client.send('GET', `blobs/${digestOf(bytes)}`);
      expect(digestOf(body)).toBe(digestOf(bytes));
    },
  },
  {
    name: 'unknown content is 404 with the code of the specification',
    run: async ({ client, random }) => {
      await client.pushImage(makeImage(random), 'v1');
      const blob = await client.send('GET', `blobs/${absent}`);
      expect([blob.status, blob.code()]).toEqual([404, 'BLOB_UNKNOWN']);
      for (const reference of [absent, 'nothing']) {
        const manifest = await client.send('GET', `manifests/${reference}`);
        expect([manifest.status, manifest.code()]).toEqual([404, 'MANIFEST_UNKNOWN']);
        expect((await client.send('HEAD', `manifests/${reference}`)).status).toBe(404);
      }
      expect((await client.send('HEAD', `blobs/${absent}`)).status).toBe(404);
    },
  },
  {
    name: 'a blob is not readable through a repository that does not hold it',
    run: async ({ client, other, random }) => {
      const bytes = randomBytes(random, 100);
      await client.pushBlob(bytes);
      await other.pushBlob(randomBytes(random, 100));
      expect((await other.send('GET', `blobs/${digestOf(bytes)}`)).status).toBe(404);
    },
  },
  {
    name: 'ranges are answered with 206 and exactly the bytes asked for',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 1_000);
      await client.pushBlob(bytes);
      const ranges: [string, number, number][] = [
        ['bytes=0-0', 0, 0],
        ['bytes=10-19', 10, 19],
        ['bytes=990-', 990, 999],
        ['bytes=-5', 995, 999],
        ['bytes=500-5000', 500, 999],
        ['bytes=-5000', 0, 999],
      ];
      for (const [range, first, last] of ranges) {
        const { status, headers, body } = await client.send('GET', `blobs/${digestOf(bytes)}`, {
          headers: { range },
        });
        expect([range, status, headers['content-range']]).toEqual([
          range,
          206,
          `bytes ${first}-${last}/1000`,
        ]);
        expect(body.equals(bytes.subarray(first, last + 1))).toBe(true);
      }
    },
  },
  {
    name: 'a range beyond the end is 416 with the size',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 1_000);
      await client.pushBlob(bytes);
      const { status, headers } = await client.send('GET', `blobs/${digestOf(bytes)}`, {
        headers: { range: 'bytes=1000-1001' },
      });
      expect([status, headers['content-range']]).toEqual([416, 'bytes */1000']);
    },
  },
  {
    name: 'If-None-Match with the digest is 304, for manifests and blobs',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      await client.pushImage(image, 'v1');
      const manifest = await client.send('GET', 'manifests/v1', {
        headers: { 'if-none-match': `"${image.digest}"` },
      });
      expect([manifest.status, manifest.body.length]).toEqual([304, 0]);
      const digest = digestOf(image.blobs[0] ?? '');
      const blob = await client.send('GET', `blobs/${digest}`, {
        headers: { 'if-none-match': `"${digest}"` },
      });
      expect([blob.status, blob.headers.etag]).toEqual([304, `"${digest}"`]);
    },
  },
  {
    name: 'an index comes back with its own type, and its children by digest',
    run: async ({ client, random }) => {
      const children = [makeImage(random), makeImage(random)];
      for (const child of children) await client.pushImage(child);
      const index = makeIndex(children);
      expect((await client.pushManifest('multi', index, mediaTypes.index)).status).toBe(201);
      const { headers, body } = await client.send('GET', 'manifests/multi');
      expect([headers['content-type'], digestOf(body)]).toEqual([mediaTypes.index, digestOf(index)]);
    },
  },
  {
    name: 'sha512 works for blobs and manifests',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      const [config = Buffer.alloc(0)] = image.blobs;
      const digest = digestOf(config, 'sha512');
      expect((await client.pushBlob(config, digest)).status).toBe(201);
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaTypes.manifest,
          config: { mediaType: mediaTypes.config, digest, size: config.length },
          layers: [],
        }),
      );
      const name = digestOf(manifest, 'sha512');
      expect((await client.pushManifest(name, manifest)).status).toBe(201);
      expect((await client.send('GET', `manifests/${name}`)).body.equals(manifest)).toBe(true);
      expect((await client.send('GET', `blobs/${digest}`)).body.equals(config)).toBe(true);
    },
  },
];
