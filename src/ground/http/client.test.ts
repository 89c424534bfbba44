import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../../test/faults.ts';
import { quickTiming } from '../../../test/quick-timing.ts';
import { isForbiddenAddress, isLoopbackName } from './address.ts';
import { excerpt, readBytes, readJson } from './body.ts';
import { HttpClient, type HttpOptions } from './client.ts';
import { proxyFor } from './proxy.ts';
import { redactUrl } from './redact-url.ts';
import { headersFor, nextHop } from './redirect.ts';
import { delayBefore, parseRetryAfter } from './retry.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const thing of open.splice(0)) thing.close();
});

async function listen(handler: (...args: Parameters<RequestListener>) => unknown): Promise<URL> {
  const server: Server = createServer((request, response) => void handler(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => (server.closeAllConnections(), server.close()) });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function client(options: HttpOptions = {}): HttpClient {
  const http = new HttpClient({ timing: quickTiming(), ...options });
  open.push(http);
  return http;
}

describe('retrying', () => {
  it('tries a busy server again, as long as Retry-After says', async () => {
    const timing = quickTiming();
    let requests = 0;
    const url = await listen((_, response) => {
      requests++;
      if (requests < 3) response.writeHead(429, { 'retry-after': '7' }).end('busy');
      else response.end('ok');
    });
    const response = await client({ timing }).request({ url });
    expect((await readBytes(response, 100)).toString()).toBe('ok');
    expect(timing.slept).toEqual([7000, 7000]);
  });

  it('asks again for an answer that is cut in the middle, when it is wanted whole', async () => {
    let requests = 0;
    const url = await listen((_, response) => {
      requests++;
      response.writeHead(200, { 'content-length': 10 });
      if (requests > 2) return response.end('0123456789');
      response.write('01234');
      return setImmediate(() => response.destroy());
    });
    const response = await client().request({ url, whole: 100 });
    expect([(await readBytes(response, 100)).toString(), requests]).toEqual(['0123456789', 3]);
  });

  it('gives up on an answer that is cut every time, and says what happened', async () => {
    const url = await listen((_, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('01234');
      setImmediate(() => response.destroy());
    });
    const fault = await faultOf(client().request({ url, whole: 100 }));
    expect(fault.message).toContain('broke off in the middle of its answer');
  });

  it('gives up at once when the server wants to be left alone for longer than a minute', async () => {
    const timing = quickTiming();
    const url = await listen((_, response) => response.writeHead(429, { 'retry-after': '3600' }).end());
    const response = await client({ timing }).request({ url });
    response.discard();
    expect([response.status, timing.slept]).toEqual([429, []]);
  });

  it('gives up after five attempts, waiting longer each time', async () => {
    const timing = quickTiming();
    const url = await listen((_, response) => response.writeHead(503).end());
    const response = await client({ timing }).request({ url });
    response.discard();
    expect([response.status, timing.slept]).toEqual([503, [125, 250, 500, 1000]]);
  });

  it('says why nothing happens: a busy server, and a silent one', async () => {
    const heard: string[] = [];
    let requests = 0;
    const url = await listen((_, response) => {
      requests++;
      if (requests === 1) response.writeHead(503, { 'retry-after': '7' }).end();
      else setTimeout(() => response.end('ok'), 120);
    });
    const response = await client({ onDelay: what => heard.push(what), silence: 50 }).request({ url });
    expect((await readBytes(response, 100)).toString()).toBe('ok');
    expect(heard.slice(0, 2)).toEqual([
      `${url.host} answered 503; asking again in 7 s (2 of 5)`,
      `still waiting for ${url.host}`,
    ]);
  });

  it('does not repeat what the server refused', async () => {
    let requests = 0;
    const url = await listen((_, response) => {
      requests++;
      response.writeHead(400).end();
    });
    (await client().request({ url })).discard();
    expect(requests).toBe(1);
  });

  it('sends a streamed body again from its start', async () => {
    const bodies: string[] = [];
    const url = await listen(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(bodies.length === 1 ? 502 : 200).end();
    });
    const body = {
      open: async function* () {
        yield Buffer.from('all ');
        yield Buffer.from('of it');
      },
    };
    (await client().request({ method: 'PUT', url, body })).discard();
    expect(bodies).toEqual(['all of it', 'all of it']);
  });

  it('says that nothing listens, after trying', async () => {
    const timing = quickTiming();
    const fault = await faultOf(client({ timing }).request({ url: new URL('http://127.0.0.1:1/') }));
    expect([fault.code, timing.slept.length]).toEqual(['NETWORK', 4]);
    expect(fault.message).toContain('nothing listens');
  });

  it('reads Retry-After as seconds or as a date, and ignores junk', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(parseRetryAfter('12', now)).toBe(12_000);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30_000);
    expect(parseRetryAfter('Thu, 01 Jan 2020 00:00:30 GMT', now)).toBe(0);
    for (const junk of ['', 'soon', '-5', '1e9', '99999999999999999'])
      expect(parseRetryAfter(junk, now)).toBeUndefined();
  });

  it('backs off within its bounds', () => {
    for (let attempt = 1; attempt < 5; attempt++) {
      expect(delayBefore(attempt, undefined, () => 0)).toBe(0);
      expect(delayBefore(attempt, undefined, () => 1)).toBe(250 * 2 ** (attempt - 1));
    }
    expect(delayBefore(5, undefined, () => 0)).toBeUndefined();
    expect(delayBefore(5, 1, () => 0)).toBeUndefined();
  });
});

describe('redirects', () => {
  it('follows one and drops the credentials at another origin', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await listen((request, response) => {
      seen.push(request.headers.authorization, request.headers.cookie);
      response.end('blob');
    });
    const url = await listen((_, response) =>
      response.writeHead(307, { location: `${elsewhere.href}blob` }).end(),
    );
    const response = await client().request({
      url,
      headers: { authorization: `Bearer ${planted.token}`, cookie: 'a=b' },
    });
    expect((await readBytes(response, 100)).toString()).toBe('blob');
    expect(seen).toEqual([undefined, undefined]);
  });

  it('keeps the credentials at the same origin', async () => {
    let seen: string | undefined;
    const url = await listen((request, response) => {
      if (request.url === '/there') {
        seen = request.headers.authorization;
        response.end();
      } else response.writeHead(302, { location: '/there' }).end();
    });
    (await client().request({ url, headers: { authorization: 'Basic x' } })).discard();
    expect(seen).toBe('Basic x');
  });

  it('lets what a stranger named reach no further than a redirect of his', async () => {
    let asked = 0;
    const url = await listen((_, response) => {
      asked++;
      response.end();
    });
    const http = client({ insecureHosts: ['registry.example.com'] });
    for (const from of ['https://registry.example.com/v2/', 'http://registry.example.com/v2/']) {
      const fault = await faultOf(
        http.request({ method: 'PUT', url, from: new URL(from), body: Buffer.from('x') }),
      );
      expect(fault.code).toBe('REDIRECT_REFUSED');
    }
    expect(asked).toBe(0);
    (await http.request({ url, from: new URL('http://localhost:5000/v2/') })).discard();
    expect(asked).toBe(1);
  });

  it('never carries a secret body to another origin', async () => {
    let asked = 0;
    const elsewhere = await listen((_, response) => {
      asked++;
      response.end();
    });
    const url = await listen((request, response) => {
      const location = request.url === '/out' ? elsewhere.href : '/out';
      response.writeHead(307, { location }).end();
    });
    const body = Buffer.from(`refresh_token=${planted.token}`);
    const fault = await faultOf(client().request({ method: 'POST', url, body, isSecretBody: true }));
    expect([fault.code, asked]).toEqual(['REDIRECT_REFUSED', 0]);
    (await client().request({ method: 'POST', url, body })).discard();
    expect(asked).toBe(1);
  });

  it('that no URL can be read from are refused, and never put a line of their own into the error', async () => {
    for (const location of ['ftp://x/%ff', 'ftp://x/a%0A::set-output name=verdict::allow']) {
      const url = await listen((_, response) => response.writeHead(307, { location }).end());
      const fault = await faultOf(client().request({ url }));
      expect(fault.code).toBe('REDIRECT_REFUSED');
    }
    expect(redactUrl('https://a.example/%ff')).toBe('https://a.example/%ff');
    expect(redactUrl('https://a.example/a%0A::b')).toBe('https://a.example/a%0A::b');
  });

  it('ends a circle', async () => {
    let hops = 0;
    const url = await listen((_, response) => {
      hops++;
      response.writeHead(307, { location: '/again' }).end();
    });
    const fault = await faultOf(client().request({ url }));
    expect([fault.code, hops]).toEqual(['REDIRECT_REFUSED', 6]);
  });

  it.each([
    'ftp://example.com/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http://169.254.169.254/latest',
    'http://[fe80::1]/x',
    'http://example.com/x',
  ])('refuses to go to %s', async location => {
    const url = await listen((_, response) => response.writeHead(307, { location }).end());
    expect((await faultOf(client().request({ url }))).code).toBe('REDIRECT_REFUSED');
  });

  it('refuses a link-local address even where http was allowed', async () => {
    const url = await listen((_, response) =>
      response.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
    );
    const fault = await faultOf(client({ insecureHosts: ['169.254.169.254'] }).request({ url }));
    expect([fault.code, fault.kind]).toEqual(['REDIRECT_REFUSED', 'trust']);
  });

  it('never goes from https to http, nor from outside into this machine', () => {
    const from = new URL('https://registry.example.com/v2/');
    expect(() => nextHop(from, 'http://registry.example.com/', () => true)).toThrow('from https to http');
    expect(() => nextHop(from, 'https://localhost:8080/', () => true)).toThrow('into this machine');
    expect(() => nextHop(from, 'https://[::1]/', () => true)).toThrow('into this machine');
    expect(() => nextHop(from, undefined, () => true)).toThrow('to nowhere');
    expect(nextHop(from, 'https://user:secret@cdn.example.com/x?a=b', () => false).href).toBe(
      'https://cdn.example.com/x?a=b',
    );
  });

  it('counts another port or scheme as another origin', () => {
    const from = new URL('https://a.example');
    const headers = { Authorization: 'x', accept: 'y' };
    expect(headersFor(new URL('https://a.example/other'), from, headers)).toEqual(headers);
    expect(headersFor(new URL('https://a.example:444/'), from, headers)).toEqual({ accept: 'y' });
  });

  it('knows the addresses that answer only to this machine', () => {
    for (const bad of [
      '169.254.169.254',
      'fe80::1',
      '[fe80::1]',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '0.0.0.0',
      'fd00:ec2::254',
      'fd20:ce::254',
      'fd20:00ce:0:0::254',
      '[::]',
      '64:ff9b::169.254.169.254',
      '64:ff9b::a9fe:a9fe',
      '2002:a9fe:a9fe::1',
      '::169.254.169.254',
      '::ffff:0:169.254.169.254',
      '168.63.129.16',
      '192.0.0.192',
      'fe80::1%eth0',
      'FEBF::1',
    ])
      expect(isForbiddenAddress(bad), bad).toBe(true);
    for (const good of [
      '10.0.0.1',
      '127.0.0.1',
      '192.0.2.1',
      '192.0.0.193',
      '::1',
      '2001:db8::1',
      '2002:a00:1::',
      'fec0::1',
      'name',
    ])
      expect(isForbiddenAddress(good), good).toBe(false);
    for (const here of [
      'localhost',
      'a.localhost',
      'localhost.',
      '127.8.9.1',
      '[::1]',
      '::ffff:127.0.0.1',
      '64:ff9b::127.0.0.1',
      '2002:7f00:1::',
    ])
      expect(isLoopbackName(here), here).toBe(true);
  });
});

describe('limits', () => {
  it('gives up on a server that says nothing', async () => {
    const url = await listen(() => undefined);
    const fault = await faultOf(client({ idleLimit: 50 }).request({ url, retry: false }));
    expect(fault.code).toBe('NETWORK');
    expect(fault.message).toContain('nothing arrived');
  });

  it('gives up on a body that only drips', async () => {
    const url = await listen((_, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const response = await client({ idleLimit: 150 }).request({ url });
    const fault = await faultOf(readBytes(response, 1_000_000));
    expect(fault.message).toMatch(/only \d+ bytes arrived/);
  });

  it.each([
    [{}, true],
    [{ leastRate: 10 }, false],
    [{ env: { CG_LEAST_RATE: '10' } }, false],
  ])('wants five kilobytes a second, or what the user says (%j)', async (options, isTooSlow) => {
    // Two hundred bytes a second.
    const url = await listen((_, response) => {
      let sent = 0;
      const timer = setInterval(() => {
        response.write(Buffer.alloc(20));
        if (++sent === 12) response.end();
      }, 100);
      response.on('close', () => clearInterval(timer));
    });
    const response = await client({ idleLimit: 400, ...options }).request({ url });
    const read = async (): Promise<void> => {
      for await (const _ of response.body);
    };
    if (isTooSlow) expect((await faultOf(read())).message).toMatch(/only \d+ bytes arrived/);
    else await read();
  });

  it('gives a small answer a time for the whole', async () => {
    const url = await listen((_, response) => {
      const timer = setInterval(() => response.write(' '.repeat(200)), 20);
      response.on('close', () => clearInterval(timer));
    });
    const http = client({ leastRate: 0 });
    const fault = await faultOf(http.request({ url }).then(response => readBytes(response, 8e6, 150)));
    expect([fault.code, fault.message]).toEqual(['NETWORK', expect.stringContaining('too slowly')]);
  });

  it('does not count against the server what the reader spends', async () => {
    const url = await listen((_, response) => response.end(Buffer.alloc(300_000)));
    const response = await client({ idleLimit: 60 }).request({ url });
    let size = 0;
    for await (const chunk of response.body) {
      size += chunk.length;
      if (size < 100_000) await new Promise(resolve => setTimeout(resolve, 50));
    }
    expect(size).toBe(300_000);
  });

  it('stops reading a body that does not end', async () => {
    let sent = 0;
    const url = await listen((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    const response = await client().request({ url });
    expect((await faultOf(readBytes(response, 1_000_000))).code).toBe('LIMIT_EXCEEDED');
    expect(sent).toBeLessThan(50_000_000);
  });

  it('does not begin to read a body that is announced as too large', async () => {
    const url = await listen((_, response) =>
      response.writeHead(200, { 'content-length': 1e12 }).flushHeaders(),
    );
    const response = await client().request({ url });
    expect((await faultOf(readBytes(response, 100))).actual).toContain('announced');
  });

  it('says that a body was cut', async () => {
    const url = await listen((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half');
      setImmediate(() => response.destroy());
    });
    const response = await client().request({ url });
    expect((await faultOf(readBytes(response, 1000))).code).toBe('NETWORK');
  });

  it('says what came instead of JSON, without its markup', async () => {
    const url = await listen((_, response) =>
      response.end('<html><script>evil()</script><h1>Please\u001b[31m log in</h1></html>'),
    );
    const fault = await faultOf(readJson(await client().request({ url }), 1000));
    expect([fault.code, fault.actual]).toEqual(['PROTOCOL', 'Please [31m log in']);
    expect(excerpt(Buffer.from('x'.repeat(500))).length).toBe(200);
  });

  it('uses at most six connections to a host for reading', async () => {
    let [now, most] = [0, 0];
    const url = await listen((_, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        response.end();
      }, 20);
    });
    const http = client();
    await Promise.all(Array.from({ length: 20 }, async () => (await http.request({ url })).discard()));
    expect(most).toBe(6);
  });

  it('is stopped by a signal, while waiting for the answer and in the body', async () => {
    const url = await listen((request, response) => {
      if (request.url === '/body') response.write('begin');
    });
    for (const path of ['/', '/body']) {
      const controller = new AbortController();
      const work = client()
        .request({ url: new URL(path, url), signal: controller.signal })
        .then(response => readBytes(response, 100));
      setTimeout(() => controller.abort(new Error('stopped by hand')), 20);
      await expect(work).rejects.toThrow('stopped by hand');
    }
  });

  it('opens no socket offline and says what is missing', async () => {
    const fault = await faultOf(
      client({ offline: true }).request({
        url: new URL('https://ghcr.io/v2/'),
        what: 'the manifest of web:1',
      }),
    );
    expect(fault.code).toBe('OFFLINE');
    expect(fault.message).toBe('the manifest of web:1 is needed from ghcr.io, and nothing may be fetched');
  });

  it('speaks plain http only to this machine and to hosts that the user named', async () => {
    const fault = await faultOf(client().request({ url: new URL('http://registry.example.com/v2/') }));
    expect(fault.next).toContain('--insecure registry.example.com');
    expect(
      client({ insecureHosts: ['registry.example.com:5000'] }).mayUseHttp('registry.example.com:5000'),
    ).toBe(true);
  });
});

describe('proxies', () => {
  const choose = (url: string, env: Record<string, string>): string | undefined =>
    proxyFor(new URL(url), env)?.host;

  it('are chosen as curl and Go choose them', () => {
    expect(choose('https://ghcr.io/', { HTTPS_PROXY: 'http://proxy:3128' })).toBe('proxy:3128');
    expect(choose('https://ghcr.io/', { https_proxy: 'proxy:3128' })).toBe('proxy:3128');
    expect(choose('http://ghcr.io/', { HTTPS_PROXY: 'http://proxy:3128' })).toBeUndefined();
    expect(choose('https://ghcr.io/', { ALL_PROXY: 'http://proxy:3128' })).toBe('proxy:3128');
    expect(choose('https://ghcr.io/', { HTTPS_PROXY: 'socks5://proxy:3128' })).toBeUndefined();
    expect(choose('http://127.0.0.1:5000/', { http_proxy: 'http://proxy:3128' })).toBeUndefined();
  });

  it.each([
    ['ghcr.io', true],
    ['.example.com, ghcr.io', true],
    ['io', true],
    ['*', true],
    ['hcr.io', false],
    ['ghcr.io:443', true],
    ['ghcr.io:8443', false],
    ['10.0.0.0/8', false],
  ])('are not used for ghcr.io when NO_PROXY is "%s": %s', (list, isBypassed) => {
    expect(
      choose('https://ghcr.io/', { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: list }) === undefined,
    ).toBe(isBypassed);
  });

  it('understand ranges', () => {
    const env = { HTTPS_PROXY: 'http://proxy', NO_PROXY: '10.1.0.0/16' };
    expect([choose('https://10.1.2.3/', env), choose('https://10.2.0.1/', env)]).toEqual([
      undefined,
      'proxy',
    ]);
  });

  it('forward plain http with their own credentials', async () => {
    let asked: unknown[] = [];
    const proxy = await listen((request, response) => {
      asked = [request.url, request.headers.host, request.headers['proxy-authorization']];
      response.end('through');
    });
    const env = { http_proxy: `http://user:p%40ss@${proxy.host}` };
    const http = client({ env, insecureHosts: ['registry.test'] });
    const response = await http.request({ url: new URL('http://registry.test/v2/') });
    expect((await readBytes(response, 100)).toString()).toBe('through');
    expect(asked).toEqual([
      'http://registry.test/v2/',
      'registry.test',
      `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
    ]);
  });

  it('tell why they open no tunnel, without their password', async () => {
    const proxy = createServer();
    proxy.on('connect', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    open.push(proxy);
    const env = {
      https_proxy: `http://user:${planted.token}@127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    };
    const fault = await faultOf(client({ env }).request({ url: new URL('https://registry.test/v2/') }));
    expect(fault.message).toContain('answered 407 to CONNECT');
  });
});

describe('what is not HTTP', () => {
  it('is named', async () => {
    const server = createTcpServer(socket => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    open.push(server);
    const { port } = server.address() as AddressInfo;
    expect(
      (await faultOf(client().request({ url: new URL(`http://127.0.0.1:${port}/`), retry: false }))).code,
    ).toBe('PROTOCOL');
    const fault = await faultOf(
      client().request({ url: new URL(`https://127.0.0.1:${port}/`), retry: false }),
    );
    expect(fault.message).toContain('does not speak https');
    expect(connect).toBeDefined();
  });
});

describe('URLs in errors', () => {
  it('have no secrets', () => {
    expect(
      redactUrl(
        `https://user:${planted.token}@a.example/x?X-Amz-Signature=${planted.token}&token=${planted.token}&n=1#${planted.token}`,
      ),
    ).toBe('https://a.example/x?X-Amz-Signature=…&token=…&n=1');
    expect(redactUrl('not a url')).toBe('(not a URL)');
  });
});

describe('a body that is read late', () => {
  it('is whole when it arrived, and an error when the connection was cut meanwhile', async () => {
    const url = await listen((request, response) => {
      if (request.url === '/whole') return response.end('late');
      response.writeHead(200, { 'content-length': 100 }).write('half');
      return setImmediate(() => response.destroy());
    });
    const http = client();
    const [whole, cut] = [await http.request({ url: new URL('/whole', url) }), await http.request({ url })];
    // By now both connections are done.
    await new Promise(resolve => setTimeout(resolve, 50));
    expect((await readBytes(whole, 100)).toString()).toBe('late');
    expect((await faultOf(readBytes(cut, 100))).code).toBe('NETWORK');
  });
});
