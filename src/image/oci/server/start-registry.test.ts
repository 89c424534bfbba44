import { readdir, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { call, untilClosed } from '../../../../test/http-call.ts';
import { loopbackCertificate, renewedCertificate } from '../../../../test/loopback-certificate.ts';
import {
  digestOf,
  makeImage,
  randomBytes,
  seededRandom,
  withDigest,
} from '../../../../test/registry-content.ts';
import { useRegistry } from '../../../../test/running-registry.ts';
import { waitFor } from '../../../../test/wait-for.ts';
import { hexOf } from '../../../model/digest.ts';
import type { AccessEvent } from './access/access-log.ts';
import { startRegistry } from './start-registry.ts';

const random = seededRandom(5);

describe('a running registry', () => {
  const bench = useRegistry();

  describe('that is read-only', () => {
    it('serves and refuses every change with 405', async () => {
      const image = makeImage(random);
      await (await bench.start()).pushImage(image, 'v1');
      await bench.stop();
      const client = await bench.start({ readOnly: true });
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

  it('keeps tags apart that differ only in case, also those that an earlier version wrote', async () => {
    const images = ['latest', 'Latest', 'LATEST', 'A'.repeat(128)].map(tag => ({
      tag,
      image: makeImage(random),
    }));
    const first = await bench.start();
    for (const { tag, image } of images) expect((await first.pushImage(image, tag)).status).toBe(201);
    await bench.stop();
    const folder = join(bench.folder, 'data/repositories/shop/web/_tags');
    const names = await readdir(folder);
    expect(new Set(names.map(name => name.toLowerCase())).size).toBe(images.length);
    expect(names).toContain('latest^1');
    await rename(join(folder, 'latest^1'), join(folder, 'Latest'));
    for (const readOnly of [true, false]) {
      const client = await bench.start({ readOnly });
      for (const { tag, image } of images) expect(await client.problemOf(image, tag)).toBeUndefined();
      const list = await client.send('GET', 'tags/list');
      expect(list.json().tags).toEqual(images.map(({ tag }) => tag).sort());
      await bench.stop();
    }
    expect(await readdir(folder)).toEqual(names);
  });

  describe('that is started again', () => {
    it('goes on with an upload that was half received, in either algorithm', async () => {
      for (const algorithm of ['sha256', 'sha512'] as const) {
        const bytes = randomBytes(random, 5_000);
        const before = await bench.start();
        const opened = await before.send('POST', 'blobs/uploads/');
        await before.sendTo('PATCH', opened.headers.location ?? '', { body: bytes.subarray(0, 3_000) });
        await bench.stop();
        const after = await bench.start();
        const status = await after.sendTo('GET', opened.headers.location ?? '');
        expect([status.status, status.headers.range]).toEqual([204, '0-2999']);
        const done = await after.sendTo('PUT', withDigest(status, digestOf(bytes, algorithm)), {
          body: bytes.subarray(3_000),
        });
        expect(done.status).toBe(201);
        const read = await after.send('GET', `blobs/${digestOf(bytes, algorithm)}`);
        expect(read.body.equals(bytes)).toBe(true);
        await bench.stop();
      }
    });

    it('does not serve a damaged manifest, and repairs it when it is pushed again', async () => {
      const image = makeImage(random);
      await (await bench.start()).pushImage(image, 'v1');
      await bench.stop();
      const hex = hexOf(image.digest);
      const damaged = Buffer.from(image.manifest);
      damaged[20] = 0;
      await writeFile(join(bench.folder, 'data/blobs/sha256', hex.slice(0, 2), hex), damaged);
      const client = await bench.start();
      expect((await client.send('GET', 'manifests/v1')).status).toBe(404);
      expect((await client.pushImage(image, 'v1')).status).toBe(201);
      await bench.stop();
      expect(await (await bench.start()).problemOf(image, 'v1')).toBeUndefined();
    });

    it('serves everything that it served before and counts the same bytes', async () => {
      const image = makeImage(random);
      await (await bench.start()).pushImage(image, 'v1');
      const before = await bench.registry?.usage();
      await bench.stop();
      const client = await bench.start();
      expect(await client.problemOf(image, 'v1')).toBeUndefined();
      expect(await bench.registry?.usage()).toMatchObject({
        usedBytes: before?.usedBytes,
        manifests: 1,
        tags: 1,
      });
    });
  });

  describe('seen by its operator', () => {
    it('tells its health as JSON, without a password', async () => {
      await writeFile(join(bench.folder, 'htpasswd'), 'bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n');
      await bench.start({ version: '1.2.3', htpasswd: join(bench.folder, 'htpasswd') });
      const answer = await call(bench.registry?.url ?? '', 'GET', '/healthz');
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
      const client = await bench.start({ accessLog: event => events.push(event) });
      const image = makeImage(random);
      await client.pushImage(image, 'v1');
      await client.send('GET', 'manifests/v1?secret=1', {
        headers: { authorization: 'Basic c2VjcmV0OnNlY3JldA==' },
      });
      await client.send('GET', 'manifests/none');
      await bench.stop();
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
    const client = await bench.start({ accessLog: event => events.push(event) });
    const bytes = Buffer.alloc(8 * 1024 * 1024, 'x');
    await client.pushBlob(bytes);
    const ask = `GET /v2/shop/web/blobs/${digestOf(bytes)} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
    for (let reader = 0; reader < 20; reader++) {
      await new Promise<void>(resolve => {
        // Several requests at once, so that some answers still wait for their turn when the connection ends.
        const socket = connect({ port: bench.registry?.port ?? 0, host: '127.0.0.1' }, () =>
          socket.write(ask.repeat(3)),
        );
        socket.once('data', () => socket.destroy());
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    }
    expect((await client.send('GET', `blobs/${digestOf(bytes)}`)).body.equals(bytes)).toBe(true);
    await bench.stop();
    expect(events.filter(event => event.cut === true).length).toBeGreaterThan(10);
  });

  describe('that is told to stop', () => {
    it('finishes the requests that run and takes no new ones', async () => {
      const client = await bench.start();
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
      const port = bench.registry?.port ?? 0;
      const closing = bench.stop();
      await expect(untilClosed(port, 'GET /v2/ HTTP/1.1\r\n\r\n')).rejects.toThrow('ECONNREFUSED');
      sendRest?.();
      expect((await pushing).status).toBe(201);
      await closing;
    });

    it('lets its folder go, and leaves no lock and no temporary file', async () => {
      const client = await bench.start();
      await client.pushImage(makeImage(random), 'v1');
      await bench.stop();
      expect((await readdir(join(bench.folder, 'data'))).sort()).toEqual([
        'blobs',
        'format.json',
        'repositories',
        'temporary',
      ]);
      expect(await readdir(join(bench.folder, 'data/temporary'))).toEqual([]);
    });
  });

  describe('with TLS', () => {
    it('takes a renewed certificate without a restart, and keeps the old one while the pair does not fit', async () => {
      const tls = { cert: join(bench.folder, 'cert.pem'), key: join(bench.folder, 'key.pem'), recheck: 20 };
      await writeFile(tls.cert, loopbackCertificate.cert);
      await writeFile(tls.key, loopbackCertificate.key);
      const reports: unknown[] = [];
      await bench.start({ tls, onProblem: error => reports.push(error) });
      const subject = () =>
        new Promise<string | undefined>((resolve, reject) => {
          const { port = 0 } = bench.registry ?? {};
          const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
            resolve(String(socket.getPeerCertificate().subject.CN));
            socket.destroy();
          });
          socket.on('error', reject);
        });
      expect(await subject()).toBe('loopback test');
      await writeFile(tls.cert, renewedCertificate.cert);
      await waitFor(() => reports.length > 0, 'the report');
      expect(await subject()).toBe('loopback test');
      await writeFile(tls.key, renewedCertificate.key);
      let seen = await subject();
      for (let turn = 0; turn < 500 && seen !== 'renewed test'; turn++) seen = await subject();
      expect(seen).toBe('renewed test');
      expect(reports[0]).toMatchObject({ code: 'TLS_INVALID' });
    });
  });

  describe('that cannot start', () => {
    it('names the process that owns the folder', async () => {
      await bench.start();
      await expect(startRegistry({ data: join(bench.folder, 'data') })).rejects.toMatchObject({
        code: 'FOLDER_IN_USE',
        message: expect.stringContaining(`process ${process.pid}`) as string,
      });
    });

    it('says that the port is taken, and lets the folder go', async () => {
      await bench.start();
      const second = { data: join(bench.folder, 'second'), port: bench.registry?.port ?? 0 };
      await expect(startRegistry(second)).rejects.toMatchObject({
        code: 'REGISTRY_ADDRESS_REFUSED',
        actual: 'another program listens there',
      });
      await (await startRegistry({ ...second, port: 0 })).close();
    });

    it('does not touch a folder that holds something else', async () => {
      await writeFile(join(bench.folder, 'thesis.txt'), 'mine');
      await expect(startRegistry({ data: bench.folder })).rejects.toMatchObject({
        code: 'STORE_FORMAT_UNKNOWN',
      });
      expect(await readdir(bench.folder)).toEqual(['thesis.txt']);
    });

    it('says of a folder of a newer version that it is one', async () => {
      await (await startRegistry({ data: bench.folder })).close();
      await writeFile(join(bench.folder, 'format.json'), '{"kind":"cascadeguard-registry","version":2}');
      await expect(startRegistry({ data: bench.folder })).rejects.toMatchObject({
        code: 'STORE_FORMAT_UNKNOWN',
        message: expect.stringContaining('newer'),
      });
    });

    it('says what is wrong with a certificate', async () => {
      await writeFile(join(bench.folder, 'cert.pem'), 'nonsense');
      const tls = { cert: join(bench.folder, 'cert.pem'), key: join(bench.folder, 'cert.pem') };
      await expect(bench.start({ tls })).rejects.toMatchObject({ code: 'TLS_INVALID' });
      const missing = { cert: join(bench.folder, 'no.pem'), key: join(bench.folder, 'no.pem') };
      await expect(bench.start({ tls: missing })).rejects.toMatchObject({ code: 'FILE_MISSING' });
    });
  });
});
