import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { call } from '../../test/http-call.ts';
import { Client, makeImage, seededRandom } from '../../test/registry-content.ts';
import { waitFor } from '../../test/wait-for.ts';
import type { RunningRegistry } from '../image/oci/server/start-registry.ts';
import { collectRegistryGarbage } from './collect-registry-garbage.ts';
import {
  defaultRegistryFolder,
  parseAddress,
  type ServeRegistryRequest,
  serveRegistry,
} from './serve-registry.ts';

describe('serving a registry', () => {
  let folder: string;
  let data: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cg-serve-'));
    data = join(folder, 'data');
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Serves while `work` runs, then ends it by the signal. */
  async function serving(
    request: Partial<ServeRegistryRequest>,
    work: (registry: RunningRegistry) => Promise<void>,
  ): Promise<void> {
    const controller = new AbortController();
    await serveRegistry({
      data,
      addr: '127.0.0.1:0',
      ...request,
      signal: controller.signal,
      onReady: async registry => {
        try {
          await work(registry);
        } finally {
          controller.abort();
        }
      },
    });
  }

  it('says when and where it is ready, and takes that back at the end', async () => {
    const readyFile = join(folder, 'ready.json');
    const controller = new AbortController();
    const serving = serveRegistry({ data, addr: '127.0.0.1:0', readyFile, signal: controller.signal });
    await waitFor(() => existsSync(readyFile), 'the ready file');
    const ready = JSON.parse(await readFile(readyFile, 'utf8')) as { url: string };
    expect(ready).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
      pid: process.pid,
      data,
    });
    expect((await call(ready.url, 'GET', '/v2/')).status).toBe(200);
    controller.abort();
    await serving;
    await expect(stat(readyFile)).rejects.toThrow();
  });

  it('refuses an address that other machines reach without passwords, and says how to go on', async () => {
    for (const addr of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.org:0']) {
      await expect(serving({ addr }, async () => {})).rejects.toMatchObject({
        code: 'REGISTRY_OPEN_NETWORK',
        next: expect.stringContaining('--htpasswd') as string,
      });
    }
    await expect(stat(data)).rejects.toThrow();
  });

  it('serves other machines with passwords, or when that is accepted', async () => {
    const htpasswd = join(folder, 'htpasswd');
    await writeFile(htpasswd, 'cem:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n');
    await serving({ addr: '0.0.0.0:0', htpasswd }, async registry => {
      const url = `http://127.0.0.1:${registry.port}`;
      const open = await call(url, 'GET', '/v2/');
      expect([open.status, open.code()]).toEqual([401, 'UNAUTHORIZED']);
      const authorization = `Basic ${Buffer.from('cem:secret').toString('base64')}`;
      expect((await call(url, 'GET', '/v2/', { headers: { authorization } })).status).toBe(200);
    });
    await serving({ addr: '0.0.0.0:0', allowAnonymousNetwork: true }, async registry => {
      expect((await call(`http://127.0.0.1:${registry.port}`, 'GET', '/v2/')).status).toBe(200);
    });
  });

  it('collects garbage on SIGUSR2', async () => {
    let collected: (() => void) | undefined;
    const done = new Promise<void>(resolve => {
      collected = resolve;
    });
    await serving({ onCollected: () => collected?.() }, async () => {
      process.kill(process.pid, 'SIGUSR2');
      await done;
    });
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });

  it('does not start at all when it was stopped before', async () => {
    const request = { data, addr: '127.0.0.1:0', signal: AbortSignal.abort() };
    await expect(serveRegistry(request)).rejects.toThrow();
    await expect(stat(data)).rejects.toThrow();
  });

  describe('and collecting its garbage', () => {
    it('works on a folder that nobody serves', async () => {
      await serving({}, async registry => {
        const client = new Client(registry.url, 'a/b');
        await client.pushImage(makeImage(seededRandom(1)), 'v1');
        await client.pushBlob(Buffer.from('garbage'));
      });
      expect(await collectRegistryGarbage({ data, grace: 0 })).toMatchObject({
        links: 1,
        contents: 1,
        bytes: 7,
      });
    });

    it('is refused while a process serves the folder, with the way to ask that process', async () => {
      await serving({}, async () => {
        await expect(collectRegistryGarbage({ data })).rejects.toMatchObject({
          code: 'FOLDER_IN_USE',
          next: expect.stringContaining('SIGUSR2') as string,
        });
      });
    });

    it('does not make a folder that is not there', async () => {
      await expect(collectRegistryGarbage({ data })).rejects.toMatchObject({ code: 'FILE_MISSING' });
      await expect(stat(data)).rejects.toThrow();
    });
  });
});

describe('an address', () => {
  it.each([
    ['127.0.0.1:5000', '127.0.0.1', 5_000],
    [':8080', '127.0.0.1', 8_080],
    ['0', '127.0.0.1', 0],
    ['[::1]:5000', '::1', 5_000],
    ['registry.local:443', 'registry.local', 443],
  ])('%s is read', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
  });

  it.each([
    '',
    'localhost',
    '127.0.0.1:',
    '127.0.0.1:65536',
    'a b:1',
    '::1:5000',
    'http://x:1',
    'x:-1',
    'x:1e3',
  ])('"%s" is refused', text => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'REGISTRY_ADDRESS_INVALID' }));
  });
});

describe('the default folder', () => {
  it('follows XDG_DATA_HOME when that is absolute', () => {
    expect(defaultRegistryFolder({ XDG_DATA_HOME: '/data' })).toBe('/data/cascadeguard/registry');
    for (const env of [{}, { XDG_DATA_HOME: '' }, { XDG_DATA_HOME: 'relative' }]) {
      expect(defaultRegistryFolder(env)).toMatch(/\/\.local\/share\/cascadeguard\/registry$/);
    }
  });
});
