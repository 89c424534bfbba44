import { createHash } from 'node:crypto';
import type { Descriptor } from '../src/model/descriptor.ts';
import { mediaTypes } from '../src/model/descriptor.ts';
import type { Digest } from '../src/model/digest.ts';
import { type Answer, type Ask, call } from './http-call.ts';

/** Random numbers that are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomBytes(random: () => number, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(random() * 256)));
}

export function digestOf(bytes: Uint8Array | string, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

export function descriptorOf(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

export interface SampleImage {
  readonly blobs: readonly Buffer[];
  readonly manifest: Buffer;
  readonly digest: Digest;
}

/** An image of one config and some layers; `fields` go into its manifest. */
export function makeImage(
  random: () => number,
  fields: Readonly<Record<string, unknown>> = {},
  layers = 1,
): SampleImage {
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', note: String(random()) }));
  const layerBytes = Array.from({ length: layers }, () =>
    randomBytes(random, 40 + Math.floor(random() * 400)),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: descriptorOf(config, mediaTypes.config),
      layers: layerBytes.map(layer => descriptorOf(layer, mediaTypes.layerGzip)),
      ...fields,
    }),
  );
  return { blobs: [config, ...layerBytes], manifest, digest: digestOf(manifest) };
}

export function makeIndex(
  children: readonly SampleImage[],
  fields: Readonly<Record<string, unknown>> = {},
): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: children.map(child => descriptorOf(child.manifest, mediaTypes.manifest)),
      ...fields,
    }),
  );
}

const accept = [
  mediaTypes.manifest,
  mediaTypes.index,
  mediaTypes.dockerManifest,
  mediaTypes.dockerIndex,
].join(', ');

/** The requests of a client, on one repository of one registry. */
export class Client {
  readonly base: string;
  readonly repository: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(base: string, repository: string, headers: Readonly<Record<string, string>> = {}) {
    this.base = base;
    this.repository = repository;
    this.#headers = headers;
  }

  /** A path below the repository. */
  send(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return this.sendTo(method, `/v2/${this.repository}/${path}`, ask);
  }

  /** Any path, or the Location of an earlier answer. */
  sendTo(method: string, location: string, ask: Ask = {}): Promise<Answer> {
    const { pathname, search } = new URL(location, this.base);
    const path = location.startsWith('/') ? location : pathname + search;
    return call(this.base, method, path, { ...ask, headers: { accept, ...this.#headers, ...ask.headers } });
  }

  async pushBlob(bytes: Uint8Array, digest: Digest = digestOf(bytes)): Promise<Answer> {
    const opened = await this.send('POST', 'blobs/uploads/');
    if (opened.status !== 202) return opened;
    return this.sendTo('PUT', withDigest(opened, digest), {
      body: bytes,
      headers: { 'content-type': 'application/octet-stream' },
    });
  }

  pushManifest(
    reference: string,
    bytes: Uint8Array,
    mediaType: string = mediaTypes.manifest,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.send('PUT', `manifests/${reference}`, {
      body: bytes,
      headers: { 'content-type': mediaType, ...headers },
    });
  }

  /** Everything of an image; the answer to the last step, or to the first that did not succeed. */
  async pushImage(image: SampleImage, reference: string = image.digest): Promise<Answer> {
    for (const blob of image.blobs) {
      const answer = await this.pushBlob(blob);
      if (answer.status !== 201) return answer;
    }
    return this.pushManifest(reference, image.manifest);
  }

  /** What is wrong with an image as the registry serves it; undefined when nothing is. */
  async problemOf(image: SampleImage, reference: string = image.digest): Promise<string | undefined> {
    const manifest = await this.send('GET', `manifests/${reference}`);
    if (manifest.status !== 200) return `manifest ${reference}: ${manifest.status}`;
    if (!manifest.body.equals(image.manifest)) return `manifest ${reference}: other bytes`;
    for (const blob of image.blobs) {
      const digest = digestOf(blob);
      const answer = await this.send('GET', `blobs/${digest}`);
      if (answer.status !== 200) return `blob ${digest}: ${answer.status}`;
      if (!answer.body.equals(blob)) return `blob ${digest}: other bytes`;
    }
    return undefined;
  }
}

/** The Location of an upload with the digest added to whatever query it has. */
export function withDigest(answer: Answer, digest: string): string {
  const url = new URL(answer.headers.location ?? '', 'http://registry.invalid');
  url.searchParams.set('digest', digest);
  return url.pathname + url.search;
}
