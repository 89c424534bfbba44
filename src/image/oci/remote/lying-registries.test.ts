import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { faultOf } from '../../../../test/faults.ts';
import { blobOf, imageOf, manifestOf, pushImage, referrerOf, sha256 } from '../../../../test/images.ts';
import { quickTiming } from '../../../../test/quick-timing.ts';
import { type DoubleOptions, json, RegistryDouble } from '../../../../test/registry-double.ts';
import { mediaTypes } from '../../../model/descriptor.ts';
import { RegistryAccess } from '../access.ts';
import { collect } from '../verified.ts';
import { RemoteRegistry } from './remote.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

async function lie(
  options: DoubleOptions,
  idleLimit = 5000,
): Promise<{ registry: RemoteRegistry; double: RegistryDouble }> {
  const double = await RegistryDouble.start(options);
  const access = new RegistryAccess({
    env: {},
    idleLimit,
    timing: quickTiming(),
    credentials: () => Promise.resolve(undefined),
  });
  open.push(double, access);
  return { double, registry: new RemoteRegistry(access.session(double.host), 'a/b') };
}

/** Answers requests for manifests, or for blobs, in its own way. */
function answer(
  part: string,
  how: (response: ServerResponse, attempt: number, range: string | undefined) => void,
): DoubleOptions {
  let attempt = 0;
  return {
    intercept: (request, response) => {
      if (request.method !== 'GET' || request.url?.includes(`/${part}/`) !== true) return false;
      how(response, ++attempt, request.headers.range);
      return true;
    },
  };
}

const image = imageOf('honest');
const layer = blobOf('the honest bytes of a layer');

function manifestAnswer(bytes: Buffer, headers: Record<string, string> = {}): DoubleOptions {
  return answer('manifests', response =>
    response.writeHead(200, { 'content-type': mediaTypes.manifest, ...headers }).end(bytes),
  );
}

describe('a manifest', () => {
  const bytes = Buffer.from(image.manifest.bytes);

  it('that is another than the digest asked for is refused', async () => {
    const { registry } = await lie(manifestAnswer(Buffer.concat([bytes, Buffer.from('\n')])));
    const fault = await faultOf(registry.manifest(image.manifest.descriptor.digest));
    expect([fault.code, fault.kind, fault.expected]).toEqual([
      'DIGEST_MISMATCH',
      'trust',
      image.manifest.descriptor.digest,
    ]);
  });

  it('whose Docker-Content-Digest is another is refused, also by tag', async () => {
    const { registry } = await lie(
      manifestAnswer(bytes, { 'docker-content-digest': sha256(Buffer.from('x')) }),
    );
    expect((await faultOf(registry.manifest('v1'))).code).toBe('DIGEST_MISMATCH');
  });

  it('of a hundred megabytes is not read', async () => {
    let sent = 0;
    const { registry } = await lie(
      answer('manifests', response => {
        response.writeHead(200, { 'content-type': mediaTypes.manifest });
        const more = (): void => {
          while (sent < 100e6 && !response.destroyed && response.write(Buffer.alloc(1e6, 0x20))) sent += 1e6;
          if (sent >= 100e6) response.end();
        };
        response.on('drain', more);
        more();
      }),
    );
    expect((await faultOf(registry.manifest('v1'))).code).toBe('LIMIT_EXCEEDED');
    expect(sent).toBeLessThan(50e6);
  });

  it.each([
    ['HTML', '<html><title>Please log in</title></html>', 'CONTENT_INVALID'],
    ['nothing', '', 'CONTENT_INVALID'],
    ['a list', '[]', 'CONTENT_INVALID'],
    ['null', 'null', 'CONTENT_INVALID'],
    ['an index and an image in one', '{"manifests":[],"layers":[]}', 'CONTENT_INVALID'],
    ['an index sent as an image', '{"manifests":[]}', 'CONTENT_INVALID'],
    [
      'another mediaType than the header',
      `{"mediaType":"${mediaTypes.dockerManifest}","layers":[]}`,
      'CONTENT_INVALID',
    ],
    ['the format of 2015', '{"schemaVersion":1,"fsLayers":[]}', 'UNSUPPORTED'],
    ['very deep JSON', `{"layers":${'['.repeat(1e6)}${']'.repeat(1e6)}}`, ''],
  ])('that is %s is refused when it is read', async (_, text, code) => {
    const { registry } = await lie(manifestAnswer(Buffer.from(text)));
    const work = registry.manifest('v1');
    if (code === '') await work;
    else expect((await faultOf(work)).code).toBe(code);
  });

  it('that is cut off is asked for again by the next command, not accepted', async () => {
    const { registry } = await lie(
      answer('manifests', response => {
        response
          .writeHead(200, { 'content-type': mediaTypes.manifest, 'content-length': bytes.length })
          .write(bytes.subarray(0, 50));
        setImmediate(() => response.destroy());
      }),
    );
    expect((await faultOf(registry.manifest('v1'))).code).toBe('NETWORK');
  });

  it('head that contradicts the digest asked for is refused', async () => {
    const { registry } = await lie({
      intercept: (request, response) => {
        if (request.method !== 'HEAD') return false;
        response
          .writeHead(200, {
            'content-type': mediaTypes.manifest,
            'content-length': 5,
            'docker-content-digest': sha256(Buffer.from('other')),
          })
          .end();
        return true;
      },
    });
    expect((await faultOf(registry.head(image.manifest.descriptor.digest))).code).toBe('DIGEST_MISMATCH');
  });

  it('that is stored under another digest than was sent is noticed', async () => {
    const { registry } = await lie({
      intercept: (request, response) => {
        if (request.method !== 'PUT' || request.url?.includes('/manifests/') !== true) return false;
        response.writeHead(201, { 'docker-content-digest': sha256(Buffer.from('other')) }).end();
        return true;
      },
    });
    expect((await faultOf(pushImage(registry, image, 'v1'))).code).toBe('DIGEST_MISMATCH');
  });

  it('with a name that is neither tag nor digest is never asked for', async () => {
    const { registry, double } = await lie({});
    for (const name of ['../../other/manifests/x', 'a b', '', 'sha256:short', '-x', 'a?b']) {
      expect((await faultOf(registry.manifest(name))).code).toBe('REFERENCE_INVALID');
    }
    expect(double.seen).toEqual([]);
  });
});

describe('a blob', () => {
  const pull = (registry: RemoteRegistry): Promise<Buffer> => collect(registry.blob(layer.descriptor));

  it('with other bytes is refused, and its last piece is never handed out', async () => {
    const wrong = Buffer.from(layer.bytes);
    wrong[3] = 0x21;
    const { registry } = await lie(answer('blobs', response => response.end(wrong)));
    const got: Uint8Array[] = [];
    const fault = await faultOf(async () => {
      for await (const chunk of registry.blob(layer.descriptor)) got.push(chunk);
    });
    expect([fault.code, Buffer.concat(got).length < wrong.length]).toEqual(['DIGEST_MISMATCH', true]);
  });

  it('that is too short or too long is refused', async () => {
    for (const bytes of [
      layer.bytes.subarray(1),
      Buffer.concat([layer.bytes, Buffer.from('!')]),
      Buffer.alloc(0),
    ]) {
      const { registry } = await lie(answer('blobs', response => response.end(bytes)));
      expect((await faultOf(pull(registry))).code).toBe('SIZE_MISMATCH');
    }
  });

  it('that does not end is cut off at its size', async () => {
    let sent = 0;
    const { registry } = await lie(
      answer('blobs', response => {
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
        };
        response.on('drain', more);
        more();
      }),
    );
    expect((await faultOf(pull(registry))).code).toBe('SIZE_MISMATCH');
    expect(sent).toBeLessThan(20e6);
  });

  it('that drips is given up', async () => {
    const { registry } = await lie(
      answer('blobs', response => {
        const timer = setInterval(() => response.write('x'), 15);
        response.on('close', () => clearInterval(timer));
      }),
      100,
    );
    const large = { ...layer.descriptor, size: 1e9 };
    const fault = await faultOf(collect(registry.blob(large)));
    expect([fault.code, fault.message]).toEqual(['NETWORK', expect.stringMatching(/arrived within/)]);
  });

  it('that is cut is continued where it stopped', async () => {
    const ranges: (string | undefined)[] = [];
    const { registry } = await lie(
      answer('blobs', (response, attempt, range) => {
        ranges.push(range);
        const from = Number(/=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
        response.writeHead(from > 0 ? 206 : 200, {
          'content-length': layer.bytes.length - from,
          ...(from > 0 && {
            'content-range': `bytes ${from}-${layer.bytes.length - 1}/${layer.bytes.length}`,
          }),
        });
        if (attempt === 3) return response.end(layer.bytes.subarray(from));
        response.write(layer.bytes.subarray(from, from + 5));
        setTimeout(() => response.destroy(), 5);
      }),
    );
    expect((await pull(registry)).equals(layer.bytes)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=5-26', 'bytes=10-26']);
  });

  it('that begins anew instead of going on is counted from its start', async () => {
    const { registry } = await lie(
      answer('blobs', (response, attempt) => {
        response.writeHead(200, { 'content-length': layer.bytes.length });
        if (attempt === 2) return response.end(layer.bytes);
        response.write(layer.bytes.subarray(0, 9));
        setTimeout(() => response.destroy(), 5);
      }),
    );
    expect((await pull(registry)).equals(layer.bytes)).toBe(true);
  });

  it('that changes between two attempts is refused', async () => {
    const { registry } = await lie(
      answer('blobs', (response, attempt) => {
        const bytes = attempt === 1 ? layer.bytes : Buffer.from(layer.bytes.toString().toUpperCase());
        response.writeHead(200, { 'content-length': bytes.length });
        if (attempt === 2) return response.end(bytes);
        response.write(bytes.subarray(0, 9));
        setTimeout(() => response.destroy(), 5);
      }),
    );
    expect((await faultOf(pull(registry))).code).toBe('DIGEST_MISMATCH');
  });

  it('of which another part comes than was asked for is refused', async () => {
    const { registry } = await lie(
      answer('blobs', response => response.writeHead(206, { 'content-range': 'bytes 0-3/27' }).end('the ')),
    );
    expect((await faultOf(collect(registry.blob(layer.descriptor, { offset: 10 })))).code).toBe('PROTOCOL');
  });

  it('that is cut again and again without progress is given up', async () => {
    let attempts = 0;
    const { registry } = await lie(
      answer('blobs', response => {
        attempts++;
        response.writeHead(200, { 'content-length': 27 }).flushHeaders();
        setTimeout(() => response.destroy(), 2);
      }),
    );
    expect((await faultOf(pull(registry))).code).toBe('NETWORK');
    expect(attempts).toBe(5);
  });

  it('that comes by a redirect gets no credentials there and is checked all the same', async () => {
    const elsewhere = await RegistryDouble.start({
      intercept: (_, response) => (response.end('evil'), true),
    });
    open.push(elsewhere);
    const { registry } = await lie(
      answer('blobs', response =>
        response.writeHead(307, { location: `http://${elsewhere.host}/evil` }).end(),
      ),
    );
    expect((await faultOf(pull(registry))).code).toBe('SIZE_MISMATCH');
    expect(elsewhere.seen[0]?.headers.authorization).toBeUndefined();
  });

  it('that is stored under another digest than was sent is noticed', async () => {
    const { registry } = await lie({
      intercept: (request, response) => {
        if (request.method !== 'PUT') return false;
        response.writeHead(201, { 'docker-content-digest': sha256(Buffer.from('other')) }).end();
        return true;
      },
    });
    expect((await faultOf(registry.push(layer.push))).code).toBe('DIGEST_MISMATCH');
  });
});

describe('a list', () => {
  it('of tags is read page by page, also with an absolute link', async () => {
    const pages: Record<string, { tags: string[]; link?: string }> = {
      '': { tags: ['a', 'b'], link: '</v2/a/b/tags/list?n=1000&last=b>; rel="next"' },
      b: { tags: ['c', 'not a tag', '../x'], link: 'absolute' },
      c: { tags: ['d'] },
    };
    const { registry } = await lie({
      intercept: (request, response, _, double) => {
        const page = pages[new URL(request.url ?? '', 'http://x').searchParams.get('last') ?? ''];
        const link =
          page?.link === 'absolute'
            ? `<http://${double.host}/v2/a/b/tags/list?last=c>; rel="next"`
            : page?.link;
        json(response, 200, { tags: page?.tags }, link === undefined ? {} : { link });
        return true;
      },
    });
    const tags: string[] = [];
    for await (const tag of registry.tags()) tags.push(tag);
    expect(tags).toEqual(['a', 'b', 'c', 'd']);
  });

  const read = async (registry: RemoteRegistry): Promise<void> => {
    for await (const _ of registry.tags());
  };

  it('that goes in circles ends', async () => {
    const { registry, double } = await lie({
      intercept: (_, response) => (
        json(response, 200, { tags: ['a'] }, { link: '</v2/a/b/tags/list?n=1000>; rel="next"' }), true
      ),
    });
    expect((await faultOf(read(registry))).code).toBe('LIMIT_EXCEEDED');
    expect(double.seen.length).toBe(1);
  });

  it('that never ends is given up', async () => {
    let page = 0;
    const { registry } = await lie({
      intercept: (_, response) => (
        json(response, 200, { tags: [] }, { link: `</v2/a/b/tags/list?last=${page++}>; rel="next"` }), true
      ),
    });
    expect((await faultOf(read(registry))).actual).toBe('more than 1000 pages');
  });

  it('is given up when its pages together are too large, in a pass for referrers as for tags', async () => {
    let asked = 0;
    const data = 'A'.repeat(3.5e6);
    const { registry } = await lie({
      intercept: (request, response) => {
        if (request.url?.includes('/manifests/') === true) return false;
        const entry = {
          mediaType: mediaTypes.manifest,
          digest: image.manifest.descriptor.digest,
          size: 1,
          data,
        };
        const link = `<${request.url?.split('?')[0]}?last=${asked++}>; rel="next"`;
        json(response, 200, { tags: [data], manifests: [entry] }, { link });
        return true;
      },
    });
    for (const work of [
      (): Promise<unknown> => registry.referrers(image.manifest.descriptor.digest),
      (): Promise<unknown> => read(registry),
    ]) {
      asked = 0;
      const fault = await faultOf(work());
      expect([fault.code, fault.actual, asked]).toEqual(['LIMIT_EXCEEDED', 'more than 33554432 bytes', 5]);
    }
  });

  it('that goes on at another host is not followed', async () => {
    const { registry } = await lie({
      intercept: (_, response) => (
        json(response, 200, { tags: [] }, { link: '<http://evil.example.com/next>; rel="next"' }), true
      ),
    });
    expect((await faultOf(read(registry))).code).toBe('PROTOCOL');
  });

  it.each(['<html>', '{"tags":', '"x"', '{"tags":{"a":1}}'])(
    '%s holds no tags and does no harm',
    async body => {
      const { registry } = await lie({ intercept: (_, response) => (response.end(body), true) });
      await read(registry).catch(error => expect(error.code).toBe('PROTOCOL'));
    },
  );
});

describe('a page of a login portal', () => {
  it('in place of a manifest is trouble on the way, and no forgery', async () => {
    const { registry } = await lie({
      intercept: (_, response) => (
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>log in'), true
      ),
    });
    const fault = await faultOf(registry.manifest('latest'));
    expect([fault.code, fault.kind, fault.message]).toEqual([
      'PROTOCOL',
      'remote',
      expect.stringContaining('a web page came'),
    ]);
  });
});

describe('referrers', () => {
  const list = (status: number, body: string, type = 'text/html'): DoubleOptions => ({
    intercept: (request, response) => {
      if (request.url?.includes('/referrers/') !== true) return false;
      response
        .writeHead(status, { 'content-type': type, ...(status === 303 && { location: '/login' }) })
        .end(body);
      return true;
    },
  });

  it.each([
    [404, '404 page not found'],
    [400, '{"errors":[]}'],
    [405, ''],
    [406, ''],
    [303, ''],
    [200, '<html>hello</html>'],
  ])('are read from the fallback tag when the API answers %i %s', async (status, body) => {
    const { registry } = await lie(list(status, body));
    const subject = imageOf('subject');
    await pushImage(registry, subject, 'v1');
    const referrer = await pushImage(registry, referrerOf(subject.manifest, 'a/b'));
    expect(
      (await registry.referrers(subject.manifest.descriptor.digest)).map(({ digest }) => digest),
    ).toEqual([referrer]);
  });

  it.each([
    [403, 'DENIED'],
    [429, 'RATE_LIMITED'],
    [500, 'NETWORK'],
  ])('are unknown, not none, when the API answers %i', async (status, code) => {
    const { registry } = await lie(list(status, '{}', 'application/json'));
    expect((await faultOf(registry.referrers(image.manifest.descriptor.digest))).code).toBe(code);
  });

  it('are read page by page, and merged with the fallback tag', async () => {
    const entry = (name: string): object => ({
      mediaType: mediaTypes.manifest,
      digest: sha256(Buffer.from(name)),
      size: 5,
    });
    const subject = imageOf('subject').manifest.descriptor.digest;
    const { registry } = await lie({
      intercept: (request, response, _, double) => {
        const url = new URL(request.url ?? '', `http://${double.host}`);
        if (!url.pathname.includes('/referrers/')) return false;
        const isFirst = url.searchParams.get('page') === null;
        json(
          response,
          200,
          { manifests: [entry(isFirst ? 'one' : 'two')] },
          isFirst ? { link: `<${url.pathname}?page=2>; rel="next"` } : {},
        );
        return true;
      },
    });
    const fallback = manifestOf({ manifests: [entry('one'), entry('old')] }, mediaTypes.index);
    await registry.push({ kind: 'manifest', ...fallback, tags: [`sha256-${subject.slice(7)}`] });
    expect((await registry.referrers(subject)).map(({ digest }) => digest)).toEqual(
      ['one', 'two', 'old'].map(name => sha256(Buffer.from(name))),
    );
  });

  it('with a wrong digest or size in the list are refused', async () => {
    for (const broken of [
      { digest: 'sha256:x', size: 1 },
      { digest: sha256(Buffer.from('x')), size: -1 },
      'text',
    ]) {
      const { registry } = await lie(list(200, JSON.stringify({ manifests: [broken] }), mediaTypes.index));
      expect((await faultOf(registry.referrers(image.manifest.descriptor.digest))).code).toBe(
        'CONTENT_INVALID',
      );
    }
  });

  it('keep the truth beside a wrong artifactType that others wrote', async () => {
    const { registry, double } = await lie({});
    const subject = imageOf('subject');
    await pushImage(registry, subject, 'v1');
    const referrer = referrerOf(subject.manifest, 'application/true');
    const tag = `sha256-${subject.manifest.descriptor.digest.slice(7)}`;
    const wrong = manifestOf(
      { manifests: [{ ...image.manifest.descriptor, artifactType: 'application/wrong' }] },
      mediaTypes.index,
    );
    await registry.push({ kind: 'manifest', ...wrong, tags: [tag] });
    await pushImage(registry, referrer);
    const found = await registry.referrers(subject.manifest.descriptor.digest);
    expect(found.map(({ artifactType }) => artifactType)).toEqual(['application/wrong', 'application/true']);
    expect(double.count('PUT', tag)).toBe(2);
  });

  it('never overwrite an image that an old cosign left at the fallback tag', async () => {
    const { registry } = await lie({});
    const subject = imageOf('subject');
    const tag = `sha256-${subject.manifest.descriptor.digest.slice(7)}`;
    await pushImage(registry, subject, 'v1', tag);
    const fault = await faultOf(pushImage(registry, referrerOf(subject.manifest, 'a/b')));
    expect([fault.code, fault.next]).toEqual(['CONTENT_INVALID', expect.stringContaining('delete the tag')]);
    expect((await registry.head(tag))?.digest).toBe(subject.manifest.descriptor.digest);
    expect(await registry.referrers(subject.manifest.descriptor.digest)).toEqual([]);
  });

  it.each([true, false])(
    'of several programs that write one fallback tag at once are all kept (If-Match honoured: %s)',
    async etags => {
      const double = await RegistryDouble.start({ etags });
      open.push(double);
      const programs = Array.from({ length: 4 }, () => {
        const access = new RegistryAccess({ env: {}, credentials: () => Promise.resolve(undefined) });
        open.push(access);
        return new RemoteRegistry(access.session(double.host), 'a/b');
      });
      const subject = imageOf('subject');
      const [first] = programs;
      if (first !== undefined) await pushImage(first, subject, 'v1');
      const digests = await Promise.all(
        programs.map((registry, at) =>
          pushImage(registry, referrerOf(subject.manifest, 'a/b', `program ${at}`)),
        ),
      );
      expect(
        (await first?.referrers(subject.manifest.descriptor.digest))?.map(({ digest }) => digest).sort(),
      ).toEqual([...digests].sort());
    },
  );

  it('that are deleted leave the list', async () => {
    const { registry } = await lie({});
    const subject = imageOf('subject');
    await pushImage(registry, subject, 'v1');
    const [one, two] = [
      await pushImage(registry, referrerOf(subject.manifest, 'a/1')),
      await pushImage(registry, referrerOf(subject.manifest, 'a/2')),
    ];
    await registry.remove(one);
    expect(
      (await registry.referrers(subject.manifest.descriptor.digest)).map(({ digest }) => digest),
    ).toEqual([two]);
  });
});

describe('an upload', () => {
  it('uses the location of a mount that became an upload', async () => {
    const { registry, double } = await lie({});
    expect(await registry.push({ ...layer.push, mountFrom: 'nobody/has-it' })).toEqual({
      outcome: 'uploaded',
    });
    expect(double.count('POST', '/blobs/uploads/')).toBe(1);
  });

  it('goes on after a mount that is refused', async () => {
    const { registry } = await lie({
      intercept: (request, response) => {
        if (request.url?.includes('mount=') !== true) return false;
        json(response, 403, { errors: [{ code: 'DENIED', message: 'no' }] });
        return true;
      },
    });
    expect(await registry.push({ ...layer.push, mountFrom: 'secret/repo' })).toEqual({ outcome: 'uploaded' });
  });

  it('keeps the query of a relative location', async () => {
    const { registry, double } = await lie({});
    await registry.push(layer.push);
    const put = double.seen.find(({ method }) => method === 'PUT');
    expect(new URL(put?.path ?? '', 'http://x').searchParams.get('_state')).toBe('a b');
    expect(new URL(put?.path ?? '', 'http://x').searchParams.get('digest')).toBe(layer.descriptor.digest);
    expect(put?.headers['content-length']).toBe(String(layer.descriptor.size));
  });

  it('in chunks continues where a cut connection left it', async () => {
    const bytes = Buffer.from(Array.from({ length: 10_000 }, (_, at) => at % 251));
    const { push, descriptor } = blobOf(bytes);
    let cuts = 0;
    const double = await RegistryDouble.start({
      early: request => {
        if (
          request.method !== 'PATCH' ||
          !String(request.headers['content-range']).startsWith('4000-') ||
          cuts++ > 0
        )
          return false;
        request.socket.destroy();
        return true;
      },
    });
    const access = new RegistryAccess({
      env: {},
      timing: quickTiming(),
      credentials: () => Promise.resolve(undefined),
    });
    open.push(double, access);
    const registry = new RemoteRegistry(access.session(double.host), 'a/b', {
      chunkedFrom: 1,
      chunkSize: 2000,
    });
    expect(await registry.push(push)).toEqual({ outcome: 'uploaded' });
    expect(double.repository('a/b').blobs.get(descriptor.digest)?.equals(bytes)).toBe(true);
    expect([cuts, double.count('GET', '/blobs/uploads/')]).toEqual([2, 1]);
  });

  it('in chunks goes on in step after a part that the registry took only half of', async () => {
    let isHalved = false;
    const { double } = await lie({});
    const bytes = Buffer.from('abcdefghij'.repeat(500));
    const { push, descriptor } = blobOf(bytes);
    const half = await RegistryDouble.start({
      intercept: async (request, response, body, self) => {
        if (request.method !== 'PATCH' || isHalved) return false;
        isHalved = true;
        // It keeps the first 300 bytes and says 416.
        const kept = await fetch(`http://${self.host}${request.url}`, {
          method: 'PATCH',
          body: new Uint8Array(body.subarray(0, 300)),
          headers: { 'content-range': '0-299' },
        });
        response
          .writeHead(416, {
            location: kept.headers.get('location') ?? '',
            range: kept.headers.get('range') ?? '',
          })
          .end();
        return true;
      },
    });
    const access = new RegistryAccess({
      env: {},
      timing: quickTiming(),
      credentials: () => Promise.resolve(undefined),
    });
    open.push(half, access);
    await new RemoteRegistry(access.session(half.host), 'a/b', { chunkedFrom: 1, chunkSize: 2000 }).push(
      push,
    );
    expect(half.repository('a/b').blobs.get(descriptor.digest)?.equals(bytes)).toBe(true);
    expect(double.seen).toEqual([]);
  });

  it('that the registry forgot begins anew', async () => {
    let forgotten = false;
    const double = await RegistryDouble.start({
      intercept: (request, response) => {
        if (request.method !== 'PATCH' || forgotten) return false;
        forgotten = true;
        json(response, 404, { errors: [{ code: 'BLOB_UPLOAD_UNKNOWN', message: 'gone' }] });
        return true;
      },
    });
    const access = new RegistryAccess({
      env: {},
      timing: quickTiming(),
      credentials: () => Promise.resolve(undefined),
    });
    open.push(double, access);
    expect(
      await new RemoteRegistry(access.session(double.host), 'a/b', { chunkedFrom: 1, chunkSize: 10 }).push(
        layer.push,
      ),
    ).toEqual({ outcome: 'uploaded' });
    expect(double.count('POST', '/blobs/uploads/')).toBe(2);
  });

  it('respects the smallest chunk that the registry takes', async () => {
    const double = await RegistryDouble.start({
      intercept: (request, response) => {
        if (request.method === 'POST') response.setHeader('oci-chunk-min-length', '20');
        return false;
      },
    });
    const access = new RegistryAccess({ env: {}, credentials: () => Promise.resolve(undefined) });
    open.push(double, access);
    await new RemoteRegistry(access.session(double.host), 'a/b', { chunkedFrom: 1, chunkSize: 5 }).push(
      layer.push,
    );
    expect(
      double.seen.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range']),
    ).toEqual(['0-19', '20-26']);
  });

  it('at once is repeated from its start after a cut, unless it arrived', async () => {
    let cuts = 0;
    const { registry, double } = await lie({
      early: request => {
        if (request.method !== 'PUT' || cuts++ > 0) return false;
        request.socket.destroy();
        return true;
      },
    });
    expect(await registry.push(layer.push)).toEqual({ outcome: 'uploaded' });
    expect([cuts, double.count('POST', '/blobs/uploads/')]).toEqual([2, 2]);
  });

  it('sends no credentials to another host that the registry names', async () => {
    const elsewhere = await RegistryDouble.start({
      intercept: (_, response) => (response.writeHead(201).end(), true),
    });
    const double = await RegistryDouble.start({
      intercept: (request, response) => {
        if (request.headers.authorization === undefined) {
          json(response, 401, {}, { 'www-authenticate': 'Basic realm="test"' });
          return true;
        }
        if (request.method !== 'POST') return false;
        response.writeHead(202, { location: `http://${elsewhere.host}/signed?x=1` }).end();
        return true;
      },
    });
    const access = new RegistryAccess({
      env: {},
      credentials: () => Promise.resolve({ kind: 'bearer', token: 'PLANTED-x', source: 'test' }),
    });
    open.push(double, elsewhere, access);
    await new RemoteRegistry(access.session(double.host), 'a/b').push(layer.push);
    expect(double.seen.at(-1)?.headers.authorization).toBe('Bearer PLANTED-x');
    expect(elsewhere.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('never reaches this machine through a registry that is elsewhere, nor a list', async () => {
    const victim = await RegistryDouble.start();
    const double = await RegistryDouble.start({
      intercept: (request, response) => {
        const location = `http://${victim.host}/admin?delete=all`;
        if (request.method === 'POST') response.writeHead(202, { location }).end();
        else if (request.url?.includes('/tags/list') === true)
          json(response, 200, { tags: ['v1'] }, { link: `<${location}>; rel="next"` });
        else return false;
        return true;
      },
    });
    const access = new RegistryAccess({
      // The way to a registry elsewhere that a test can have: a proxy.
      env: { http_proxy: `http://${double.host}` },
      insecureHosts: ['registry.test'],
      credentials: () => Promise.resolve(undefined),
    });
    open.push(double, victim, access);
    const registry = new RemoteRegistry(access.session('registry.test'), 'a/b');
    expect((await faultOf(registry.push(layer.push))).code).toBe('REDIRECT_REFUSED');
    const readTags = async (): Promise<void> => {
      for await (const _ of registry.tags());
    };
    expect((await faultOf(readTags())).code).toBe('PROTOCOL');
    expect([victim.seen, double.count('POST', '/a/b/blobs/uploads/')]).toEqual([[], 1]);
  });

  it('without a location fails', async () => {
    const { registry } = await lie({
      intercept: (request, response) => request.method === 'POST' && (response.writeHead(202).end(), true),
    });
    expect((await faultOf(registry.push(layer.push))).code).toBe('PROTOCOL');
  });

  it('of a manifest that lacks its blobs tells what the registry said', async () => {
    const { registry } = await lie({});
    const fault = await faultOf(registry.push({ kind: 'manifest', ...image.manifest, tags: ['v1'] }));
    expect([fault.code, fault.actual]).toEqual(['REFUSED', expect.stringContaining('MANIFEST_BLOB_UNKNOWN')]);
  });

  it('of a manifest that no registry takes is not tried', async () => {
    const { registry, double } = await lie({});
    const huge = manifestOf({ manifests: [], annotations: { a: 'x'.repeat(5e6) } }, mediaTypes.index);
    expect((await faultOf(registry.push({ kind: 'manifest', ...huge }))).code).toBe('LIMIT_EXCEEDED');
    expect(double.seen).toEqual([]);
  });
});
