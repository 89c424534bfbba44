import { expect } from 'vitest';
import { mediaTypes } from '../../../src/model/descriptor.ts';
import type { Answer } from '../../http-call.ts';
import {
  type Client,
  descriptorOf,
  digestOf,
  makeImage,
  makeIndex,
  randomBytes,
  withDigest,
} from '../../registry-content.ts';
import type { Case } from '../registry-http.ts';

const octets = { 'content-type': 'application/octet-stream' };

function open(client: Client): Promise<Answer> {
  return client.send('POST', 'blobs/uploads/');
}

function patch(client: Client, previous: Answer, bytes: Buffer, first: number): Promise<Answer> {
  return client.sendTo('PATCH', previous.headers.location ?? '', {
    body: bytes,
    headers: { ...octets, 'content-range': `${first}-${first + bytes.length - 1}` },
  });
}

async function expectStored(client: Client, bytes: Buffer): Promise<void> {
  const { status, body } = await client.send('GET', `blobs/${digestOf(bytes)}`);
  expect([status, body.equals(bytes)]).toEqual([200, true]);
}

export const pushCases: readonly Case[] = [
  {
    name: 'POST then PUT stores a blob, and the answer says where',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 500);
      const { status, headers } = await client.pushBlob(bytes);
      expect([status, headers['docker-content-digest']]).toEqual([201, digestOf(bytes)]);
      expect((await client.sendTo('GET', headers.location ?? '')).body.equals(bytes)).toBe(true);
    },
  },
  {
    name: 'POST with digest and body stores a blob in one step',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 500);
      const { status } = await client.send('POST', `blobs/uploads/?digest=${digestOf(bytes)}`, {
        body: bytes,
        headers: octets,
      });
      expect(status).toBe(201);
      await expectStored(client, bytes);
    },
  },
  {
    name: 'chunks in order make a blob, and each answer says how far it is',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 3_000);
      let answer = await open(client);
      for (let first = 0; first < 3_000; first += 1_000) {
        answer = await patch(client, answer, bytes.subarray(first, first + 1_000), first);
        expect([answer.status, answer.headers.range]).toEqual([202, `0-${first + 999}`]);
      }
      const done = await client.sendTo('PUT', withDigest(answer, digestOf(bytes)));
      expect(done.status).toBe(201);
      await expectStored(client, bytes);
    },
  },
  {
    name: 'the last chunk may come with the PUT',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 2_000);
      const answer = await patch(client, await open(client), bytes.subarray(0, 1_500), 0);
      const done = await client.sendTo('PUT', withDigest(answer, digestOf(bytes)), {
        body: bytes.subarray(1_500),
        headers: { ...octets, 'content-range': '1500-1999' },
      });
      expect(done.status).toBe(201);
      await expectStored(client, bytes);
    },
  },
  {
    name: 'a stream of unknown length makes a blob',
    run: async ({ client, random }) => {
      const pieces = [randomBytes(random, 700), randomBytes(random, 900)];
      async function* stream(): AsyncGenerator<Buffer> {
        yield* pieces;
      }
      const { headers } = await open(client);
      const answer = await client.sendTo('PATCH', headers.location ?? '', {
        body: stream(),
        headers: octets,
      });
      expect(answer.status).toBe(202);
      const bytes = Buffer.concat(pieces);
      expect((await client.sendTo('PUT', withDigest(answer, digestOf(bytes)))).status).toBe(201);
      await expectStored(client, bytes);
    },
  },
  {
    name: 'a chunk out of order is 416 and the upload goes on',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 3_000);
      const first = await patch(client, await open(client), bytes.subarray(0, 1_000), 0);
      for (const start of [2_000, 0]) {
        const wrong = await patch(client, first, bytes.subarray(start, start + 1_000), start);
        expect(wrong.status).toBe(416);
      }
      const status = await client.sendTo('GET', first.headers.location ?? '');
      expect([status.status, status.headers.range]).toEqual([204, '0-999']);
      const rest = await patch(client, status, bytes.subarray(1_000), 1_000);
      expect((await client.sendTo('PUT', withDigest(rest, digestOf(bytes)))).status).toBe(201);
      await expectStored(client, bytes);
    },
  },
  {
    name: 'a chunk whose range and length differ is 400 or 416',
    run: async ({ client, random }) => {
      const opened = await open(client);
      const answer = await client.sendTo('PATCH', opened.headers.location ?? '', {
        body: randomBytes(random, 100),
        headers: { ...octets, 'content-range': '0-199' },
      });
      expect([400, 416]).toContain(answer.status);
    },
  },
  {
    name: 'a cancelled upload is gone',
    run: async ({ client, random }) => {
      const { headers } = await open(client);
      const location = headers.location ?? '';
      expect((await client.sendTo('DELETE', location)).status).toBe(204);
      expect((await client.sendTo('GET', location)).status).toBe(404);
      const late = await client.sendTo('PATCH', location, { body: randomBytes(random, 10), headers: octets });
      expect([late.status, late.code()]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
    },
  },
  {
    name: 'a finished upload is gone',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 10);
      const opened = await open(client);
      await client.sendTo('PUT', withDigest(opened, digestOf(bytes)), { body: bytes, headers: octets });
      expect((await client.sendTo('GET', opened.headers.location ?? '')).status).toBe(404);
    },
  },
  {
    name: 'an upload belongs to its repository',
    run: async ({ client, other }) => {
      const { headers } = await open(client);
      const stolen = (headers.location ?? '').replace(client.repository, other.repository);
      expect((await client.sendTo('GET', stolen)).status).toBe(404);
    },
  },
  {
    name: 'bytes with another digest are 400 DIGEST_INVALID and are not stored',
    run: async ({ client, random }) => {
      const wrong = digestOf('something else');
      const answer = await client.pushBlob(randomBytes(random, 100), wrong);
      expect([answer.status, answer.code()]).toEqual([400, 'DIGEST_INVALID']);
      expect((await client.send('HEAD', `blobs/${wrong}`)).status).toBe(404);
    },
  },
  {
    name: 'a PUT without a legal digest is 400 DIGEST_INVALID',
    run: async ({ client }) => {
      for (const digest of ['sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'nonsense']) {
        const answer = await client.sendTo('PUT', withDigest(await open(client), digest));
        expect([answer.status, answer.code()]).toEqual([400, 'DIGEST_INVALID']);
      }
    },
  },
  {
    name: 'a blob of another repository can be mounted',
    run: async ({ client, other, random }) => {
      const bytes = randomBytes(random, 100);
      await other.pushBlob(bytes);
      const answer = await client.send(
        'POST',
        `blobs/uploads/?mount=${digestOf(bytes)}&from=${encodeURIComponent(other.repository)}`,
      );
      expect(answer.status).toBe(201);
      await expectStored(client, bytes);
    },
  },
  {
    name: 'a blob can be mounted without saying from where',
    run: async ({ client, other, random }) => {
      const bytes = randomBytes(random, 100);
      await other.pushBlob(bytes);
      expect((await client.send('POST', `blobs/uploads/?mount=${digestOf(bytes)}`)).status).toBe(201);
      await expectStored(client, bytes);
    },
  },
  {
    name: 'a mount from a repository that lacks the blob opens an upload, also when another repository has it',
    run: async ({ client, other, random }) => {
      const bytes = randomBytes(random, 100);
      await other.pushBlob(bytes);
      const from = encodeURIComponent(`${other.repository}-without`);
      const answer = await client.send('POST', `blobs/uploads/?mount=${digestOf(bytes)}&from=${from}`);
      expect(answer.status).toBe(202);
      expect((await client.send('HEAD', `blobs/${digestOf(bytes)}`)).status).toBe(404);
    },
  },
  {
    name: 'a mount of what is not there opens an upload',
    run: async ({ client, other, random }) => {
      const bytes = randomBytes(random, 100);
      const answer = await client.send(
        'POST',
        `blobs/uploads/?mount=${digestOf(bytes)}&from=${encodeURIComponent(other.repository)}`,
      );
      expect(answer.status).toBe(202);
      const done = await client.sendTo('PUT', withDigest(answer, digestOf(bytes)), {
        body: bytes,
        headers: octets,
      });
      expect(done.status).toBe(201);
    },
  },
  {
    name: 'a manifest that names missing blobs is refused with MANIFEST_BLOB_UNKNOWN',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      await client.pushBlob(image.blobs[0] ?? Buffer.alloc(0));
      const answer = await client.pushManifest('v1', image.manifest);
      expect([400, 404]).toContain(answer.status);
      expect(answer.code()).toBe('MANIFEST_BLOB_UNKNOWN');
      expect((await client.send('HEAD', 'manifests/v1')).status).toBe(404);
    },
  },
  {
    name: 'an index that names missing manifests is refused',
    run: async ({ client, random }) => {
      const answer = await client.pushManifest('v1', makeIndex([makeImage(random)]), mediaTypes.index);
      expect([400, 404]).toContain(answer.status);
    },
  },
  {
    name: 'layers that live elsewhere need not be there',
    run: async ({ client, random }) => {
      const foreign = {
        ...descriptorOf(
          Buffer.from('foreign'),
          'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
        ),
        urls: ['https://example.invalid/layer'],
      };
      const image = makeImage(random, { layers: [foreign] });
      for (const blob of image.blobs) await client.pushBlob(blob);
      expect((await client.pushManifest('v1', image.manifest)).status).toBe(201);
    },
  },
  {
    name: 'what is not JSON, or not the type it says, is 400 MANIFEST_INVALID',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      for (const blob of image.blobs) await client.pushBlob(blob);
      const attempts: [Buffer, string][] = [
        [Buffer.from('not json'), mediaTypes.manifest],
        [Buffer.from('[]'), mediaTypes.manifest],
        [image.manifest, mediaTypes.index],
      ];
      for (const [bytes, type] of attempts) {
        const answer = await client.pushManifest('v1', bytes, type);
        expect([answer.status, answer.code()]).toEqual([400, 'MANIFEST_INVALID']);
      }
    },
  },
  {
    name: 'a manifest that is both index and image is refused',
    run: async ({ client, random }) => {
      const both = makeImage(random, { manifests: [] });
      for (const blob of both.blobs) await client.pushBlob(blob);
      expect((await client.pushManifest('both', both.manifest)).status).toBe(400);
    },
  },
  {
    name: 'a manifest under a digest that it does not have is 400',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      for (const blob of image.blobs) await client.pushBlob(blob);
      const answer = await client.pushManifest(digestOf('other'), image.manifest);
      expect([answer.status, answer.code()]).toEqual([400, 'DIGEST_INVALID']);
    },
  },
  {
    name: 'fields that nobody knows are kept',
    run: async ({ client, random }) => {
      const image = makeImage(random, { 'org.example.field': { deep: [1, 2, 3] }, annotations: { a: 'ü' } });
      expect((await client.pushImage(image, 'v1')).status).toBe(201);
      expect(await client.problemOf(image, 'v1')).toBeUndefined();
    },
  },
  {
    name: 'an image without layers and an index without manifests are legal',
    run: async ({ client, random }) => {
      expect((await client.pushImage(makeImage(random, {}, 0), 'bare')).status).toBe(201);
      expect((await client.pushManifest('empty', makeIndex([]), mediaTypes.index)).status).toBe(201);
    },
  },
  {
    name: 'a tag can be moved, and the old image stays by digest',
    run: async ({ client, random }) => {
      const [before, after] = [makeImage(random), makeImage(random)];
      await client.pushImage(before, 'latest');
      await client.pushImage(after, 'latest');
      expect(await client.problemOf(after, 'latest')).toBeUndefined();
      expect(await client.problemOf(before)).toBeUndefined();
    },
  },
  {
    name: 'If-Match on a tag is 412 unless it still points there',
    run: async ({ client, random }) => {
      const [first, second] = [makeImage(random), makeImage(random)];
      await client.pushImage(first, 'index');
      for (const blob of second.blobs) await client.pushBlob(blob);
      const put = (etag: string): Promise<Answer> =>
        client.pushManifest('index', second.manifest, mediaTypes.manifest, { 'if-match': etag });
      expect((await put(`"${digestOf('stale')}"`)).status).toBe(412);
      expect(await client.problemOf(first, 'index')).toBeUndefined();
      expect((await put(`"${first.digest}"`)).status).toBe(201);
      expect((await put(`"${first.digest}"`)).status).toBe(412);
    },
  },
  {
    name: 'If-None-Match: * writes a tag only when it is new',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      for (const blob of image.blobs) await client.pushBlob(blob);
      const put = (): Promise<Answer> =>
        client.pushManifest('new', image.manifest, mediaTypes.manifest, { 'if-none-match': '*' });
      expect([(await put()).status, (await put()).status]).toEqual([201, 412]);
    },
  },
  {
    name: 'of many writers with the same If-Match exactly one wins',
    run: async ({ client, random }) => {
      const first = makeImage(random);
      await client.pushImage(first, 'raced');
      const others = Array.from({ length: 8 }, () => makeImage(random));
      for (const other of others) for (const blob of other.blobs) await client.pushBlob(blob);
      const answers = await Promise.all(
        others.map(other =>
          client.pushManifest('raced', other.manifest, mediaTypes.manifest, {
            'if-match': `"${first.digest}"`,
          }),
        ),
      );
      expect(answers.map(answer => answer.status).sort()).toEqual([
        201,
        ...Array.from({ length: 7 }, () => 412),
      ]);
    },
  },
  {
    name: 'a push by digest can set tags with ?tag=, and the answer lists them',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      for (const blob of image.blobs) await client.pushBlob(blob);
      const answer = await client.pushManifest(`${image.digest}?tag=a&tag=b`, image.manifest);
      expect([answer.status, answer.headers['oci-tag']]).toEqual([201, 'a, b']);
      expect(await client.problemOf(image, 'b')).toBeUndefined();
    },
  },
];
