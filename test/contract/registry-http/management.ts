import { expect } from 'vitest';
import { call } from '../../http-call.ts';
import { digestOf, makeImage, randomBytes } from '../../registry-content.ts';
import type { Case } from '../registry-http.ts';

export const managementCases: readonly Case[] = [
  {
    name: 'deleting a tag keeps the manifest and the other tags',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      for (const tag of ['one', 'two']) await client.pushImage(image, tag);
      expect((await client.send('DELETE', 'manifests/one')).status).toBe(202);
      expect((await client.send('GET', 'manifests/one')).status).toBe(404);
      expect(await client.problemOf(image, 'two')).toBeUndefined();
      expect(await client.problemOf(image)).toBeUndefined();
    },
  },
  {
    name: 'deleting a manifest takes all its tags along',
    run: async ({ client, random }) => {
      const [image, kept] = [makeImage(random), makeImage(random)];
      for (const tag of ['one', 'two']) await client.pushImage(image, tag);
      await client.pushImage(kept, 'kept');
      expect((await client.send('DELETE', `manifests/${image.digest}`)).status).toBe(202);
      for (const reference of ['one', 'two', image.digest]) {
        expect((await client.send('GET', `manifests/${reference}`)).status).toBe(404);
      }
      expect((await client.send('GET', 'tags/list')).json().tags).toEqual(['kept']);
    },
  },
  {
    name: 'deleting a blob makes it unreadable',
    run: async ({ client, random }) => {
      const bytes = randomBytes(random, 100);
      await client.pushBlob(bytes);
      expect((await client.send('DELETE', `blobs/${digestOf(bytes)}`)).status).toBe(202);
      expect((await client.send('HEAD', `blobs/${digestOf(bytes)}`)).status).toBe(404);
    },
  },
  {
    name: 'a blob deleted here stays where else it is',
    run: async ({ client, other, random }) => {
      const bytes = randomBytes(random, 100);
      for (const each of [client, other]) await each.pushBlob(bytes);
      await client.send('DELETE', `blobs/${digestOf(bytes)}`);
      expect((await other.send('GET', `blobs/${digestOf(bytes)}`)).body.equals(bytes)).toBe(true);
    },
  },
  {
    name: 'what was deleted can be pushed again',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      await client.pushImage(image, 'v1');
      await client.send('DELETE', `manifests/${image.digest}`);
      for (const blob of image.blobs) await client.send('DELETE', `blobs/${digestOf(blob)}`);
      expect((await client.pushImage(image, 'v1')).status).toBe(201);
      expect(await client.problemOf(image, 'v1')).toBeUndefined();
    },
  },
  {
    name: 'deleting what is not there is 404',
    run: async ({ client, random }) => {
      await client.pushImage(makeImage(random), 'v1');
      for (const path of [`blobs/${digestOf('x')}`, `manifests/${digestOf('x')}`, 'manifests/nothing']) {
        expect([path, (await client.send('DELETE', path)).status]).toEqual([path, 404]);
      }
    },
  },
  {
    name: 'a method that an endpoint does not have is 405 with Allow',
    run: async ({ client, base }) => {
      for (const [method, path] of [
        ['POST', '/v2/'],
        ['PUT', '/v2/_catalog'],
        ['PATCH', `/v2/${client.repository}/manifests/v1`],
        ['DELETE', `/v2/${client.repository}/tags/list`],
      ] as const) {
        const answer = await call(base, method, path);
        expect([path, answer.status]).toEqual([path, 405]);
        expect(answer.headers.allow).toContain('GET');
      }
    },
  },
];
