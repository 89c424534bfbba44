import { expect } from 'vitest';
import { type Descriptor, mediaTypes } from '../../../src/model/descriptor.ts';
import {
  type Client,
  descriptorOf,
  digestOf,
  makeImage,
  makeIndex,
  type SampleImage,
} from '../../registry-content.ts';
import type { Case } from '../registry-http.ts';

async function tagsOf(client: Client, query = ''): Promise<{ tags: string[]; next: string | undefined }> {
  const answer = await client.send('GET', `tags/list${query}`);
  expect(answer.status).toBe(200);
  const next = /<([^>]+)>; *rel="?next"?/.exec(String(answer.headers.link ?? ''))?.[1];
  return { tags: answer.json().tags as string[], next };
}

async function pushTags(client: Client, random: () => number, tags: readonly string[]): Promise<void> {
  const image = makeImage(random);
  for (const tag of tags) expect((await client.pushImage(image, tag)).status).toBe(201);
}

function referTo(random: () => number, subject: SampleImage, artifactType: string): SampleImage {
  return makeImage(random, {
    artifactType,
    subject: descriptorOf(subject.manifest, mediaTypes.manifest),
    annotations: { about: artifactType },
  });
}

async function referrersOf(client: Client, digest: string, query = ''): Promise<Descriptor[]> {
  const answer = await client.send('GET', `referrers/${digest}${query}`);
  expect([answer.status, answer.headers['content-type']]).toEqual([200, mediaTypes.index]);
  expect(answer.json()).toMatchObject({ schemaVersion: 2, mediaType: mediaTypes.index });
  return answer.json().manifests as Descriptor[];
}

export const discoveryCases: readonly Case[] = [
  {
    name: 'tags are listed in order of their bytes',
    run: async ({ client, random }) => {
      await pushTags(client, random, ['b', 'a', 'B', '10', '9', '_x']);
      expect((await tagsOf(client)).tags).toEqual(['10', '9', 'B', '_x', 'a', 'b']);
    },
  },
  {
    name: 'tags are paged with n and last, and Link leads through all of them',
    run: async ({ client, random }) => {
      const all = ['a', 'b', 'c', 'd', 'e'];
      await pushTags(client, random, all);
      expect((await tagsOf(client, '?n=2&last=b')).tags).toEqual(['c', 'd']);
      const seen: string[] = [];
      for (let path: string | undefined = 'tags/list?n=2'; path !== undefined; ) {
        const query: string = path.slice(path.indexOf('?'));
        const page = await tagsOf(client, query);
        seen.push(...page.tags);
        path = page.next;
      }
      expect(seen).toEqual(all);
    },
  },
  {
    name: 'n=0 lists nothing',
    run: async ({ client, random }) => {
      await pushTags(client, random, ['a']);
      expect((await tagsOf(client, '?n=0')).tags).toEqual([]);
    },
  },
  {
    name: 'n that is no number is 400',
    run: async ({ client, random }) => {
      await pushTags(client, random, ['a']);
      for (const n of ['-1', 'many', '1e3'])
        expect((await client.send('GET', `tags/list?n=${n}`)).status).toBe(400);
    },
  },
  {
    name: 'tags of an unknown repository are 404 NAME_UNKNOWN',
    run: async ({ client }) => {
      const answer = await client.send('GET', 'tags/list');
      expect([answer.status, answer.code()]).toEqual([404, 'NAME_UNKNOWN']);
    },
  },
  {
    name: 'the catalogue lists repositories, paged',
    run: async ({ client, other, random }) => {
      for (const each of [client, other]) await each.pushImage(makeImage(random), 'v1');
      const answer = await client.sendTo('GET', `/v2/_catalog?n=1&last=${client.repository}`);
      expect(answer.json().repositories).toEqual([other.repository]);
    },
  },
  {
    name: 'a push with a subject is confirmed with OCI-Subject',
    run: async ({ client, random }) => {
      const subject = makeImage(random);
      await client.pushImage(subject, 'v1');
      const answer = await client.pushImage(referTo(random, subject, 'application/vnd.example.sbom'));
      expect([answer.status, answer.headers['oci-subject']]).toEqual([201, subject.digest]);
    },
  },
  {
    name: 'referrers are listed with type, size and annotations, an image by the type of its config',
    run: async ({ client, random }) => {
      const subject = makeImage(random);
      await client.pushImage(subject, 'v1');
      const typed = referTo(random, subject, 'application/vnd.example.sbom');
      const plain = makeImage(random, { subject: descriptorOf(subject.manifest, mediaTypes.manifest) });
      for (const each of [typed, plain]) await client.pushImage(each);
      const listed = await referrersOf(client, subject.digest);
      const byDigest = (a: Descriptor, b: Descriptor): number => (a.digest < b.digest ? -1 : 1);
      const expected: Descriptor[] = [
        {
          ...descriptorOf(typed.manifest, mediaTypes.manifest),
          artifactType: 'application/vnd.example.sbom',
          annotations: { about: 'application/vnd.example.sbom' },
        },
        { ...descriptorOf(plain.manifest, mediaTypes.manifest), artifactType: mediaTypes.config },
      ];
      expect(listed.sort(byDigest)).toEqual(expected.sort(byDigest));
    },
  },
  {
    name: 'an index can be a referrer',
    run: async ({ client, random }) => {
      const subject = makeImage(random);
      await client.pushImage(subject, 'v1');
      const index = makeIndex([], {
        artifactType: 'application/vnd.example.set',
        subject: descriptorOf(subject.manifest, mediaTypes.manifest),
      });
      await client.pushManifest(digestOf(index), index, mediaTypes.index);
      expect(await referrersOf(client, subject.digest)).toEqual([
        { ...descriptorOf(index, mediaTypes.index), artifactType: 'application/vnd.example.set' },
      ]);
    },
  },
  {
    name: 'referrers can be filtered by artifactType, and the answer says so',
    run: async ({ client, random }) => {
      const subject = makeImage(random);
      await client.pushImage(subject, 'v1');
      const wanted = referTo(random, subject, 'application/vnd.example.a');
      for (const each of [wanted, referTo(random, subject, 'application/vnd.example.b')]) {
        await client.pushImage(each);
      }
      const query = '?artifactType=application%2Fvnd.example.a';
      const listed = await referrersOf(client, subject.digest, query);
      expect(listed.map(each => each.digest)).toEqual([wanted.digest]);
      const { headers } = await client.send('GET', `referrers/${subject.digest}${query}`);
      expect(headers['oci-filters-applied']).toBe('artifactType');
    },
  },
  {
    name: 'a subject may arrive after what refers to it, or never',
    run: async ({ client, random }) => {
      const subject = makeImage(random);
      const referrer = referTo(random, subject, 'application/vnd.example.early');
      expect((await client.pushImage(referrer)).status).toBe(201);
      expect((await referrersOf(client, subject.digest)).map(each => each.digest)).toEqual([referrer.digest]);
    },
  },
  {
    name: 'referrers of what nothing refers to are an empty list',
    run: async ({ client }) => {
      expect(await referrersOf(client, digestOf('nothing'))).toEqual([]);
    },
  },
  {
    name: 'referrers of what is no digest are 400',
    run: async ({ client }) => {
      expect((await client.send('GET', 'referrers/latest')).status).toBe(400);
    },
  },
  {
    name: 'a deleted referrer is no longer listed',
    run: async ({ client, random }) => {
      const subject = makeImage(random);
      await client.pushImage(subject, 'v1');
      const [gone, stays] = ['a', 'b'].map(type =>
        referTo(random, subject, `application/vnd.example.${type}`),
      );
      for (const each of [gone, stays]) if (each) await client.pushImage(each);
      expect((await client.send('DELETE', `manifests/${gone?.digest}`)).status).toBe(202);
      expect((await referrersOf(client, subject.digest)).map(each => each.digest)).toEqual([stays?.digest]);
    },
  },
];
