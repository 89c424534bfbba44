import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { untilClosed } from '../../../../test/http-call.ts';
import {
  Client,
  digestOf,
  makeImage,
  randomBytes,
  seededRandom,
  withDigest,
} from '../../../../test/registry-content.ts';
import { useRegistry } from '../../../../test/running-registry.ts';
import { nameCost } from './storage/quota.ts';

const random = seededRandom(6);

describe('a registry with limits', () => {
  const bench = useRegistry();

  it('refuses a blob that is too large, announced or not, and keeps nothing of it', async () => {
    const client = await bench.start({ limits: { blobBytes: 1_000 } });
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
    const problems: unknown[] = [];
    const onProblem = (problem: unknown) => problems.push(problem);
    const client = await bench.start({ limits: { quotaBytes: 5_000 }, grace: 0, onProblem });
    const bytes = randomBytes(random, 3_000);
    expect((await client.pushBlob(bytes)).status).toBe(201);
    const over = await client.pushBlob(randomBytes(random, 3_000));
    expect([over.status, over.code()]).toEqual([507, 'DENIED']);
    expect(over.body.toString()).toContain('quota');
    await client.pushBlob(randomBytes(random, 3_001));
    expect(problems).toEqual([expect.objectContaining({ code: 'REGISTRY_FULL' })]);
    expect((await client.send('GET', `blobs/${digestOf(bytes)}`)).status).toBe(200);
    // Pushing what is here already costs nothing once it is recognised.
    await client.send('DELETE', `blobs/${digestOf(bytes)}`);
    await bench.registry?.collectGarbage();
    expect((await client.pushBlob(randomBytes(random, 3_300))).status).toBe(201);
  });

  it('says in its health that the quota is nearly used up', async () => {
    const client = await bench.start({ limits: { quotaBytes: 20_000_000 } });
    const status = async () => (await client.sendTo('GET', '/healthz')).json()['status'];
    expect((await client.pushBlob(randomBytes(random, 17_000_000))).status).toBe(201);
    expect(await status()).toBe('ok');
    expect((await client.pushBlob(randomBytes(random, 1_500_000))).status).toBe(201);
    expect(await status()).toBe('low-space');
  });

  it('cannot be brought over the quota by many uploads at once', async () => {
    const client = await bench.start({ limits: { quotaBytes: 10_000 } });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => client.pushBlob(randomBytes(random, 3_000))),
    );
    expect(answers.filter(answer => answer.status === 201).length).toBeLessThanOrEqual(3);
    expect((await bench.registry?.usage())?.usedBytes).toBeLessThanOrEqual(10_000);
  });

  it('takes only so many bytes of manifests at once, and small ones go on', async () => {
    const client = await bench.start({ limits: { manifestBytesAtOnce: 5_000 } });
    const large = makeImage(random, { annotations: { large: 'x'.repeat(6_000) } });
    const answer = await client.pushImage(large, 'large');
    expect([answer.status, answer.code()]).toEqual([429, 'TOOMANYREQUESTS']);
    for (let turn = 0; turn < 5; turn++)
      expect((await client.pushImage(makeImage(random), 'v1')).status).toBe(201);
  });

  it('opens only so many uploads, and gives up the oldest without a byte for a new one', async () => {
    const client = await bench.start({ limits: { openUploads: 2 } });
    const first = await client.send('POST', 'blobs/uploads/');
    const second = await client.send('POST', 'blobs/uploads/');
    expect((await client.send('POST', 'blobs/uploads/')).status).toBe(202);
    expect((await client.sendTo('GET', first.headers.location ?? '')).status).toBe(404);
    expect((await client.sendTo('GET', second.headers.location ?? '')).status).toBe(204);
  });

  it('keeps uploads that have bytes while they are young, and gives them up when they rest', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const client = await bench.start({ limits: { openUploads: 1 }, clock: { now: () => now } });
    const first = await client.send('POST', 'blobs/uploads/');
    await client.sendTo('PATCH', first.headers.location ?? '', { body: 'x' });
    const refused = await client.send('POST', 'blobs/uploads/');
    expect([refused.status, refused.code(), refused.headers['retry-after']]).toEqual([
      429,
      'TOOMANYREQUESTS',
      '10',
    ]);
    now = new Date(now.getTime() + 5 * 60_000);
    const second = await client.send('POST', 'blobs/uploads/');
    expect(second.status).toBe(202);
    now = new Date(now.getTime() + 15 * 60_000);
    expect(await bench.registry?.collectGarbage()).toMatchObject({ uploads: 1 });
    expect(await readdir(join(bench.folder, 'data/repositories'))).toEqual([]);
  });

  it('closes a connection that does not send its request, or stops in the middle of a body', async () => {
    await bench.start({ limits: { headerTimeout: 100, idleTimeout: 200 } });
    const heads = [
      'GET /v2/ HTTP/1.1\r\nhost: 127.0.0.1\r\n',
      'PUT /v2/a/manifests/b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{',
    ];
    for (const head of heads) await untilClosed(bench.registry?.port ?? 0, head);
  });

  it('counts content once, however often it is pushed, and each name that is new', async () => {
    const client = await bench.start();
    const image = makeImage(random);
    await client.pushImage(image, 'v1');
    const once = (await bench.registry?.usage())?.usedBytes ?? 0;
    for (const tag of ['v1', 'v2']) await client.pushImage(image, tag);
    expect((await bench.registry?.usage())?.usedBytes).toBe(once + nameCost);
  });

  it('counts what a manifest costs in every repository, and gives it back', async () => {
    const client = await bench.start({ limits: { quotaBytes: 1_000_000 }, grace: 0 });
    const subject = { mediaType: 'application/a', digest: digestOf('none'), size: 4 };
    const image = makeImage(random, { subject, annotations: { large: 'x'.repeat(200_000) } });
    const statuses: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      const other = new Client(client.base, `shop/copy${turn}`);
      statuses.push((await other.pushImage(image)).status);
      if (turn < 3) await other.pushImage(image, 'v1');
    }
    expect(statuses).toContain(507);
    const before = (await bench.registry?.usage())?.usedBytes;
    await bench.stop();
    const again = await bench.start({ grace: 0 });
    expect((await bench.registry?.usage())?.usedBytes).toBe(before);
    for (let turn = 0; turn < 8; turn++) {
      const other = new Client(again.base, `shop/copy${turn}`);
      await other.send('DELETE', `manifests/${image.digest}`);
    }
    await bench.registry?.collectGarbage();
    expect((await bench.registry?.usage())?.usedBytes).toBe(0);
  });

  it('refuses annotations that no list of referrers could show', async () => {
    const client = await bench.start();
    const subject = { mediaType: 'application/a', digest: digestOf('none'), size: 4 };
    const annotations = { large: 'x'.repeat(600_000) };
    const answer = await client.pushImage(makeImage(random, { subject, annotations }));
    expect([answer.status, answer.code()]).toEqual([400, 'MANIFEST_INVALID']);
    expect((await client.pushImage(makeImage(random, { annotations }))).status).toBe(201);
  });

  it('gives a manifest memory as it arrives and only so much time, however often a byte comes', async () => {
    const limits = { manifestBytesAtOnce: 20_000, manifestTime: 300 };
    const client = await bench.start({ limits });
    const head = (n: number) =>
      `PUT /v2/a/manifests/t${n} HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n`;
    const port = bench.registry?.port ?? 0;
    const stuck = Array.from({ length: 16 }, (_, n) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(head(n)));
      const drip = setInterval(() => socket.write('1\r\n \r\n'), 20);
      socket.on('error', () => undefined);
      return new Promise<void>(resolve => {
        socket.on('close', () => {
          clearInterval(drip);
          resolve();
        });
      });
    });
    expect((await client.pushImage(makeImage(random), 'v1')).status).toBe(201);
    await Promise.all(stuck);
  });

  it('goes on with an upload after a chunk that was too large', async () => {
    const half = 512 * 1024;
    const client = await bench.start({ limits: { blobBytes: 4 * half } });
    const bytes = randomBytes(random, half + 1_000);
    const opened = await client.send('POST', 'blobs/uploads/');
    const location = opened.headers.location ?? '';
    expect((await client.sendTo('PATCH', location, { body: bytes.subarray(0, half) })).status).toBe(202);
    async function* endless(): AsyncGenerator<Buffer> {
      for (let piece = 0; piece < 7; piece++) yield Buffer.alloc(half);
    }
    expect((await client.sendTo('PATCH', location, { body: endless() })).status).toBe(413);
    const done = await client.sendTo('PUT', withDigest(opened, digestOf(bytes)), {
      body: bytes.subarray(half),
    });
    expect([done.status, done.code()]).toEqual([201, undefined]);
  });

  it('lets a new request take an upload over from one that is stuck', async () => {
    const client = await bench.start();
    const bytes = randomBytes(random, 1_000);
    const opened = await client.send('POST', 'blobs/uploads/');
    const head = `PATCH ${opened.headers.location} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n`;
    const stuck = untilClosed(
      bench.registry?.port ?? 0,
      Buffer.concat([Buffer.from(head), bytes.subarray(0, 600)]),
    );
    for (let running = 0; running < 2; ) {
      const health = (await client.sendTo('GET', '/healthz')).json();
      ({ running } = health.counts as { running: number });
    }
    const status = await client.sendTo('GET', opened.headers.location ?? '');
    expect(status.headers.range).toBe('0-0');
    const done = await client.sendTo('PUT', withDigest(status, digestOf(bytes)), { body: bytes });
    expect([done.status, done.code()]).toEqual([201, undefined]);
    await stuck;
  });

  it('keeps what a broken connection delivered, so that the client can go on', async () => {
    const client = await bench.start({ limits: { idleTimeout: 200 } });
    const bytes = randomBytes(random, 1_000);
    const opened = await client.send('POST', 'blobs/uploads/');
    const head = `PATCH ${opened.headers.location} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n`;
    await untilClosed(bench.registry?.port ?? 0, Buffer.concat([Buffer.from(head), bytes.subarray(0, 600)]));
    const status = await client.sendTo('GET', opened.headers.location ?? '');
    expect(status.headers.range).toBe('0-599');
    const done = await client.sendTo('PUT', withDigest(status, digestOf(bytes)), {
      body: bytes.subarray(600),
    });
    expect(done.status).toBe(201);
  });
});

describe('a connection that sends many requests at once', () => {
  const bench = useRegistry();

  it('has one worked on at a time, and every answer in order', async () => {
    const client = await bench.start();
    const bytes = Buffer.alloc(16 * 1024 * 1024, 'x');
    await client.pushBlob(bytes);
    const ask = `GET /v2/shop/web/blobs/${digestOf(bytes)} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
    const socket = connect({ port: bench.registry?.port ?? 0, host: '127.0.0.1' });
    socket.pause();
    socket.write(ask.repeat(3));
    for (let running = 0; running < 2; ) {
      const health = (await client.sendTo('GET', '/healthz')).json();
      ({ running } = health.counts as { running: number });
    }
    for (let turn = 0; turn < 20; turn++) {
      const health = (await client.sendTo('GET', '/healthz')).json();
      expect(health.counts).toMatchObject({ running: 2 });
    }
    let received = 0;
    await new Promise<void>(resolve => {
      socket.on('data', chunk => {
        received += chunk.length;
        if (received > 3 * bytes.length) resolve();
      });
      socket.resume();
    });
    socket.destroy();
  });

  it('is closed when it does not stop', async () => {
    const client = await bench.start({ limits: { idleTimeout: 600_000 } });
    const bytes = Buffer.alloc(16 * 1024 * 1024, 'x');
    await client.pushBlob(bytes);
    const ask = `GET /v2/shop/web/blobs/${digestOf(bytes)} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
    await untilClosed(bench.registry?.port ?? 0, ask.repeat(100));
  });

  it('cannot make lists and manifests pile up in memory', async () => {
    const client = await bench.start({ limits: { answerBytesAtOnce: 100_000 } });
    const large = makeImage(random, { annotations: { large: 'x'.repeat(200_000) } });
    const small = makeImage(random);
    for (const image of [large, small]) expect((await client.pushImage(image)).status).toBe(201);
    expect((await client.send('GET', `manifests/${large.digest}`)).status).toBe(429);
    expect((await client.send('GET', `manifests/${small.digest}`)).status).toBe(200);
  });
});
