import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { call } from '../../../../test/http-call.ts';
import {
  Client,
  digestOf,
  makeImage,
  randomBytes,
  seededRandom,
  withDigest,
} from '../../../../test/registry-content.ts';
import type { AccessEvent } from './access/access-log.ts';
import type { RegistryOptions } from './options.ts';
import { type RunningRegistry, startRegistry } from './start-registry.ts';

const random = seededRandom(5);

describe('a running registry', () => {
  let folder: string;
  let registry: RunningRegistry | undefined;
  const problems: unknown[] = [];

  const start = async (o: Partial<RegistryOptions> = {}): Promise<Client> => {
    registry = await startRegistry({
      data: join(folder, 'data'),
      onProblem: error => problems.push(error),
      shutdownTimeout: 2_000,
      ...o,
    });
    return new Client(registry.url, 'shop/web');
  };
  const stop = async (): Promise<void> => {
    await registry?.close();
    registry = undefined;
  };
  beforeEach(async () => {
    problems.length = 0;
    folder = await mkdtemp(join(tmpdir(), 'cg-running-'));
  });
  afterEach(async () => {
    await stop();
    await rm(folder, { recursive: true });
    expect(problems).toEqual([]);
  });

  describe('that is read-only', () => {
    it('serves and refuses every change with 405', async () => {
      const image = makeImage(random);
      await (await start()).pushImage(image, 'v1');
      await stop();
      const client = await start({ readOnly: true });
      expect(await client.problemOf(image, 'v1')).toBeUndefined();
      for (const [method, path] of [
        ['POST', 'blobs/uploads/'],
        ['PUT', 'manifests/v2'],
        ['DELETE', 'manifests/v1'],
        ['DELETE', `blobs/${digestOf(image.blobs[0] ?? '')}`],
      ] as const) {
        const answer = await client.send(method, path);
        expect([path, answer.status, answer.code()]).toEqual([path, 405, 'UNSUPPORTED']);
      }
      expect(await client.problemOf(image, 'v1')).toBeUndefined();
    });
  });

  describe('that is started again', () => {
    it('goes on with an upload that was half received, in either algorithm', async () => {
      for (const algorithm of ['sha256', 'sha512'] as const) {
        const bytes = randomBytes(random, 5_000);
        const before = await start();
        const opened = await before.send('POST', 'blobs/uploads/');
        await before.sendTo('PATCH', opened.headers.location ?? '', { body: bytes.subarray(0, 3_000) });
        await stop();
        const after = await start();
        const status = await after.sendTo('GET', opened.headers.location ?? '');
        expect([status.status, status.headers.range]).toEqual([204, '0-2999']);
        const done = await after.sendTo('PUT', withDigest(status, digestOf(bytes, algorithm)), {
          body: bytes.subarray(3_000),
        });
        expect(done.status).toBe(201);
        const read = await after.send('GET', `blobs/${digestOf(bytes, algorithm)}`);
        expect(read.body.equals(bytes)).toBe(true);
        await stop();
      }
    });

    it('serves everything that it served before and counts the same bytes', async () => {
      const image = makeImage(random);
      await (await start()).pushImage(image, 'v1');
      const before = await registry?.usage();
      await stop();
      const client = await start();
      expect(await client.problemOf(image, 'v1')).toBeUndefined();
      expect(await registry?.usage()).toMatchObject({ usedBytes: before?.usedBytes, manifests: 1, tags: 1 });
    });
  });

  describe('with limits', () => {
    it('refuses a blob that is too large, announced or not, and keeps nothing of it', async () => {
      const client = await start({ limits: { blobBytes: 1_000 } });
      const bytes = randomBytes(random, 1_001);
      const announced = await client.pushBlob(bytes);
      expect([announced.status, announced.code()]).toEqual([413, 'SIZE_INVALID']);
      const opened = await client.send('POST', 'blobs/uploads/');
      async function* stream(): AsyncGenerator<Buffer> {
        yield bytes;
      }
      const streamed = await client.sendTo('PATCH', opened.headers.location ?? '', { body: stream() });
      expect(streamed.status).toBe(413);
      expect((await client.pushBlob(bytes.subarray(1))).status).toBe(201);
      expect((await client.sendTo('GET', opened.headers.location ?? '')).headers.range).toBe('0-0');
    });

    it('refuses with 507 what goes over the quota, and serves on', async () => {
      const client = await start({ limits: { quotaBytes: 5_000 }, grace: 0 });
      const bytes = randomBytes(random, 3_000);
      expect((await client.pushBlob(bytes)).status).toBe(201);
      const over = await client.pushBlob(randomBytes(random, 3_000));
      expect([over.status, over.code()]).toEqual([507, 'DENIED']);
      expect(over.body.toString()).toContain('quota');
      expect((await client.send('GET', `blobs/${digestOf(bytes)}`)).status).toBe(200);
      // Pushing what is here already costs nothing once it is recognised.
      await client.send('DELETE', `blobs/${digestOf(bytes)}`);
      await registry?.collectGarbage();
      expect((await client.pushBlob(randomBytes(random, 4_000))).status).toBe(201);
    });

    it('cannot be brought over the quota by many uploads at once', async () => {
      const client = await start({ limits: { quotaBytes: 10_000 } });
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => client.pushBlob(randomBytes(random, 3_000))),
      );
      expect(answers.filter(answer => answer.status === 201).length).toBeLessThanOrEqual(3);
      expect((await registry?.usage())?.usedBytes).toBeLessThanOrEqual(10_000);
    });

    it('takes only so many bytes of manifests at once, and small ones go on', async () => {
      const client = await start({ limits: { manifestBytesAtOnce: 5_000 } });
      const large = makeImage(random, { annotations: { large: 'x'.repeat(6_000) } });
      const answer = await client.pushImage(large, 'large');
      expect([answer.status, answer.code()]).toEqual([429, 'TOOMANYREQUESTS']);
      for (let turn = 0; turn < 5; turn++)
        expect((await client.pushImage(makeImage(random), 'v1')).status).toBe(201);
    });

    it('opens only so many uploads', async () => {
      const client = await start({ limits: { openUploads: 2 } });
      const [first] = [
        await client.send('POST', 'blobs/uploads/'),
        await client.send('POST', 'blobs/uploads/'),
      ];
      const third = await client.send('POST', 'blobs/uploads/');
      expect([third.status, third.code(), third.headers['retry-after']]).toEqual([
        429,
        'TOOMANYREQUESTS',
        '10',
      ]);
      await client.sendTo('DELETE', first?.headers.location ?? '');
      expect((await client.send('POST', 'blobs/uploads/')).status).toBe(202);
    });

    it('closes a connection that does not send its request, or stops in the middle of a body', async () => {
      await start({ limits: { headerTimeout: 100, idleTimeout: 200 } });
      const heads = [
        'GET /v2/ HTTP/1.1\r\nhost: x\r\n',
        'PUT /v2/a/manifests/b HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{',
      ];
      for (const head of heads) await untilClosed(registry?.port ?? 0, head);
    });

    it('keeps what a broken connection delivered, so that the client can go on', async () => {
      const client = await start({ limits: { idleTimeout: 200 } });
      const bytes = randomBytes(random, 1_000);
      const opened = await client.send('POST', 'blobs/uploads/');
      const head = `PATCH ${opened.headers.location} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n`;
      await untilClosed(registry?.port ?? 0, Buffer.concat([Buffer.from(head), bytes.subarray(0, 600)]));
      const status = await client.sendTo('GET', opened.headers.location ?? '');
      expect(status.headers.range).toBe('0-599');
      const done = await client.sendTo('PUT', withDigest(status, digestOf(bytes)), {
        body: bytes.subarray(600),
      });
      expect(done.status).toBe(201);
    });
  });

  describe('seen by its operator', () => {
    it('tells its health as JSON, without a password', async () => {
      await writeFile(join(folder, 'htpasswd'), 'bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n');
      await start({ version: '1.2.3', htpasswd: join(folder, 'htpasswd') });
      const answer = await call(registry?.url ?? '', 'GET', '/healthz');
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({
        status: 'ok',
        version: '1.2.3',
        uptimeSeconds: expect.any(Number) as number,
        data: { freeBytes: expect.any(Number) as number, usedBytes: 0, quotaBytes: null },
        counts: { openUploads: 0, running: 1 },
      });
    });

    it('logs each request with what was asked and what came of it, and no credential or body', async () => {
      const events: AccessEvent[] = [];
      const client = await start({ accessLog: event => events.push(event) });
      const image = makeImage(random);
      await client.pushImage(image, 'v1');
      await client.send('GET', 'manifests/v1?secret=1', {
        headers: { authorization: 'Basic c2VjcmV0OnNlY3JldA==' },
      });
      await client.send('GET', 'manifests/none');
      await stop();
      const read = events.find(event => event.method === 'GET' && event.status === 200);
      expect(read).toMatchObject({
        endpoint: 'manifest',
        repository: 'shop/web',
        reference: 'v1',
        remote: '127.0.0.1',
        sent: image.manifest.length,
        received: 0,
      });
      expect(events.find(event => event.status === 404)).toMatchObject({ code: 'MANIFEST_UNKNOWN' });
      const put = events.find(event => event.method === 'PUT' && event.endpoint === 'manifest');
      expect(put?.received).toBe(image.manifest.length);
      expect(JSON.stringify(events)).not.toMatch(/secret|c2VjcmV0|uploads\/[0-9a-f]/);
    });
  });

  it('does not mind readers that go away, and does not call them a problem', async () => {
    const events: AccessEvent[] = [];
    const client = await start({ accessLog: event => events.push(event) });
    const bytes = Buffer.alloc(8 * 1024 * 1024, 'x');
    await client.pushBlob(bytes);
    const ask = `GET /v2/shop/web/blobs/${digestOf(bytes)} HTTP/1.1\r\nhost: x\r\n\r\n`;
    for (let reader = 0; reader < 20; reader++) {
      await new Promise<void>(resolve => {
        // Several requests at once, so that some answers still wait for their turn when the connection ends.
        const socket = connect({ port: registry?.port ?? 0, host: '127.0.0.1' }, () =>
          socket.write(ask.repeat(3)),
        );
        socket.once('data', () => socket.destroy());
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    }
    expect((await client.send('GET', `blobs/${digestOf(bytes)}`)).body.equals(bytes)).toBe(true);
    await stop();
    expect(events.filter(event => event.cut === true).length).toBeGreaterThan(10);
  });

  describe('that is told to stop', () => {
    it('finishes the requests that run and takes no new ones', async () => {
      const client = await start();
      const bytes = randomBytes(random, 2_000);
      const opened = await client.send('POST', 'blobs/uploads/');
      let sendRest: (() => void) | undefined;
      const held = new Promise<void>(resolve => {
        sendRest = resolve;
      });
      let begun: (() => void) | undefined;
      const started = new Promise<void>(resolve => {
        begun = resolve;
      });
      async function* slowly(): AsyncGenerator<Buffer> {
        yield bytes.subarray(0, 1_000);
        begun?.();
        await held;
        yield bytes.subarray(1_000);
      }
      const pushing = client.sendTo('PUT', withDigest(opened, digestOf(bytes)), { body: slowly() });
      await started;
      // Until the server has it too; the question itself is the second that runs.
      for (let running = 0; running < 2; ) {
        const health = (await client.sendTo('GET', '/healthz')).json();
        ({ running } = health.counts as { running: number });
      }
      const port = registry?.port ?? 0;
      const closing = stop();
      await expect(untilClosed(port, 'GET /v2/ HTTP/1.1\r\n\r\n')).rejects.toThrow('ECONNREFUSED');
      sendRest?.();
      expect((await pushing).status).toBe(201);
      await closing;
    });

    it('lets its folder go, and leaves no lock and no temporary file', async () => {
      const client = await start();
      await client.pushImage(makeImage(random), 'v1');
      await stop();
      expect((await readdir(join(folder, 'data'))).sort()).toEqual([
        'blobs',
        'format.json',
        'repositories',
        'temporary',
      ]);
      expect(await readdir(join(folder, 'data/temporary'))).toEqual([]);
    });
  });

  describe('that cannot start', () => {
    it('names the process that owns the folder', async () => {
      await start();
      await expect(startRegistry({ data: join(folder, 'data') })).rejects.toMatchObject({
        code: 'FOLDER_IN_USE',
        message: expect.stringContaining(`process ${process.pid}`) as string,
      });
    });

    it('says that the port is taken, and lets the folder go', async () => {
      await start();
      const second = { data: join(folder, 'second'), port: registry?.port ?? 0 };
      await expect(startRegistry(second)).rejects.toMatchObject({
        code: 'REGISTRY_ADDRESS_REFUSED',
        actual: 'another program listens there',
      });
      await (await startRegistry({ ...second, port: 0 })).close();
    });

    it('does not touch a folder that holds something else', async () => {
      await writeFile(join(folder, 'thesis.txt'), 'mine');
      await expect(startRegistry({ data: folder })).rejects.toMatchObject({ code: 'STORE_FORMAT_UNKNOWN' });
      expect(await readdir(folder)).toEqual(['thesis.txt']);
    });

    it('says what is wrong with a certificate', async () => {
      await writeFile(join(folder, 'cert.pem'), 'nonsense');
      const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'cert.pem') };
      await expect(start({ tls })).rejects.toMatchObject({ code: 'TLS_INVALID' });
      const missing = { cert: join(folder, 'no.pem'), key: join(folder, 'no.pem') };
      await expect(start({ tls: missing })).rejects.toMatchObject({ code: 'FILE_MISSING' });
    });
  });
});

/** Sends bytes on a new connection and resolves when the server closes it. */
function untilClosed(port: number, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(bytes));
    socket.on('error', error =>
      'code' in error && error.code === 'ECONNREFUSED' ? reject(error) : resolve(),
    );
    socket.on('close', () => resolve());
    socket.resume();
  });
}
