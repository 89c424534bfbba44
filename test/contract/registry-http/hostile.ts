import { expect } from 'vitest';
import { call } from '../../http-call.ts';
import { digestOf, makeImage } from '../../registry-content.ts';
import type { Case } from '../registry-http.ts';

const climbing = [
  '..',
  '../..',
  'a/../../b',
  '%2e%2e%2fb',
  '%2e%2e/b',
  '%252e%252e%252fb',
  'a%00b',
  'a%2f..%2fb',
  '.hidden',
  'a//b',
  'UPPER/case',
  '_catalog/x',
  'a/_blobs/b',
  `${'a/'.repeat(200)}b`,
  'ä',
  'a\\b',
];

export const hostileCases: readonly Case[] = [
  {
    name: 'names that are not legal are refused for reading and for writing',
    run: async ({ base }) => {
      for (const name of climbing) {
        const path = `/v2/${encodeNonAscii(name)}`;
        const read = await call(base, 'GET', `${path}/manifests/latest`);
        expect([name, read.status]).toEqual([name, expect.toSatisfy(isRefusal)]);
        const written = await call(base, 'POST', `${path}/blobs/uploads/`);
        expect([name, written.status]).toEqual([name, expect.toSatisfy(isRefusal)]);
      }
    },
  },
  {
    name: 'a digest that is none is refused as an error of the client',
    run: async ({ client }) => {
      for (const digest of [
        'sha256:../../x',
        'sha256:%2e%2e',
        `sha256:${'A'.repeat(64)}`,
        'sha256:',
        'x:y',
      ]) {
        const answer = await client.send('GET', `blobs/${digest}`);
        expect([digest, answer.status]).toEqual([digest, expect.toSatisfy(isRefusal)]);
      }
    },
  },
  {
    name: 'a tag that is none is not written',
    run: async ({ client, random }) => {
      const image = makeImage(random);
      for (const blob of image.blobs) await client.pushBlob(blob);
      for (const tag of ['.dot', '-dash', 'a%2fb', 'a'.repeat(129), '%2e%2e', 'sp%20ace', '%00']) {
        const answer = await client.pushManifest(tag, image.manifest);
        expect([tag, answer.status]).toEqual([tag, expect.toSatisfy(isRefusal)]);
      }
    },
  },
  {
    name: 'an upload that is none is 404',
    run: async ({ client }) => {
      for (const id of ['x', '..%2f..', '00000000-0000-4000-8000-000000000000']) {
        const answer = await client.send('PATCH', `blobs/uploads/${id}`, { body: 'x' });
        expect([id, answer.status]).toEqual([id, 404]);
      }
    },
  },
  {
    name: 'a mount from an illegal name is refused, and of an illegal digest too',
    run: async ({ client }) => {
      const from = encodeURIComponent('../../etc');
      const answer = await client.send('POST', `blobs/uploads/?mount=${digestOf('x')}&from=${from}`);
      expect([202, 400]).toContain(answer.status);
      expect((await client.send('POST', 'blobs/uploads/?mount=sha256:..&from=a')).status).toBe(400);
    },
  },
  {
    name: 'a path that is no endpoint is 404',
    run: async ({ base }) => {
      for (const path of ['/', '/v1/', '/v2/a/b/c', '/v3/x/manifests/y', '/etc/passwd', '/v2/x/unknown/y']) {
        expect([path, (await call(base, 'GET', path)).status]).toEqual([path, 404]);
      }
    },
  },
  {
    name: 'a manifest of more than 8 MiB is 413',
    run: async ({ client, random }) => {
      const image = makeImage(random, { annotations: { large: 'x'.repeat(8 * 1024 * 1024) } });
      for (const blob of image.blobs) await client.pushBlob(blob);
      const answer = await client.pushManifest('large', image.manifest);
      expect(answer.status).toBe(413);
    },
  },
];

function isRefusal(status: number): boolean {
  // Some servers answer a path with dots with a redirection to the path without.
  return [301, 308, 400, 404, 405, 414].includes(status);
}

function encodeNonAscii(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, character => encodeURIComponent(character));
}
