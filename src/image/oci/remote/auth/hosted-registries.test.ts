import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../../../../test/faults.ts';
import { blobOf, imageOf, pushImage, referrerOf } from '../../../../../test/images.ts';
import { quickTiming } from '../../../../../test/quick-timing.ts';
import { type DoubleOptions, json, RegistryDouble } from '../../../../../test/registry-double.ts';
import { RegistryAccess } from '../../access.ts';
import { basicHeader, type Credential } from '../../credentials/credential.ts';
import type { Registry } from '../../registry.ts';
import { RemoteRegistry } from '../remote.ts';

/** What a token service was asked. */
interface Asked {
  readonly method: string;
  readonly service: string | null;
  readonly scopes: readonly string[];
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
}

interface Flow {
  readonly challenge: (realm: string) => string;
  /** Path of the token service; without a host it is the registry's own. */
  readonly tokenPath?: string;
  readonly otherHost?: boolean;
  readonly answer?: (asked: Asked) => { status?: number; body: unknown };
  /** The header that opens the registry; by default what the token service gave. */
  readonly opens?: string;
  readonly double?: Omit<DoubleOptions, 'intercept'>;
  readonly alsoIntercept?: DoubleOptions['intercept'];
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

const password = (username: string): Credential => ({
  kind: 'password',
  username,
  password: planted.password,
  source: 'the test',
});

/** A registry that asks who we are, and the token service that it names. */
async function startFlow(
  flow: Flow,
  credential: Credential | undefined,
  timing = quickTiming(),
): Promise<{ registry: Registry; asked: Asked[]; double: RegistryDouble; access: RegistryAccess }> {
  const asked: Asked[] = [];
  let issued = flow.opens ?? '';
  const serveToken = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const url = new URL(request.url ?? '', 'http://token');
    const item = {
      method: request.method ?? '',
      service: url.searchParams.get('service'),
      scopes: url.searchParams.getAll('scope'),
      authorization: request.headers.authorization,
      form: new URLSearchParams(body),
    };
    asked.push(item);
    const { status = 200, body: answer } = flow.answer?.(item) ?? {
      body: { token: `${planted.token}-${asked.length}`, expires_in: 300 },
    };
    const token =
      (answer as { token?: string; access_token?: string }).token ??
      (answer as { access_token?: string }).access_token;
    if (token !== undefined) issued = `Bearer ${token}`;
    json(response, status, answer);
  };
  let realm = '';
  const double = await RegistryDouble.start({
    ...flow.double,
    intercept: async (request, response, body, self) => {
      if (flow.tokenPath !== undefined && request.url?.startsWith(flow.tokenPath) === true) {
        serveToken(request, response, body.toString());
        return true;
      }
      if (request.headers.authorization !== issued || issued === '') {
        response.setHeader('www-authenticate', flow.challenge(realm));
        json(response, 401, {
          errors: [{ code: 'UNAUTHORIZED', message: `not ${request.headers.authorization ?? 'a stranger'}` }],
        });
        return true;
      }
      return (await flow.alsoIntercept?.(request, response, body, self)) === true;
    },
  });
  open.push(double);
  realm = `http://${double.host}${flow.tokenPath ?? ''}`;
  if (flow.otherHost === true) {
    const service = createServer((request, response) => {
      let body = '';
      request
        .on('data', chunk => (body += String(chunk)))
        .on('end', () => serveToken(request, response, body));
    });
    await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => (service.closeAllConnections(), service.close()) });
    const address = service.address();
    realm = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}${flow.tokenPath ?? ''}`;
  }
  const access = new RegistryAccess({ env: {}, timing, credentials: () => Promise.resolve(credential) });
  open.push(access);
  return { registry: new RemoteRegistry(access.session(double.host), 'you/web'), asked, double, access };
}

const bearer = (service: string) => (realm: string) =>
  `Bearer realm="${realm}",service="${service}",scope="repository:you/web:pull"`;

describe('the ways of hosted registries', () => {
  it('Docker Hub: a token service on another host, for a user with an access token', async () => {
    const { registry, asked } = await startFlow(
      { challenge: bearer('registry.docker.io'), tokenPath: '/token', otherHost: true },
      password('you'),
    );
    expect(await registry.head('latest')).toBeUndefined();
    expect(asked).toEqual([
      expect.objectContaining({
        method: 'GET',
        service: 'registry.docker.io',
        scopes: ['repository:you/web:pull'],
        authorization: basicHeader('you', planted.password),
      }),
    ]);
  });

  it('Docker Hub: a token for a stranger', async () => {
    const { registry, asked } = await startFlow(
      { challenge: bearer('registry.docker.io'), tokenPath: '/token', otherHost: true },
      undefined,
    );
    expect(await registry.head('latest')).toBeUndefined();
    expect(asked[0]?.authorization).toBeUndefined();
  });

  it('GHCR: 303 to a page on referrers means the fallback tag', async () => {
    const { registry, double } = await startFlow(
      {
        challenge: bearer('ghcr.io'),
        tokenPath: '/token',
        alsoIntercept: (request, response) => {
          if (request.url?.includes('/referrers/') !== true) return false;
          response.writeHead(303, { location: 'https://github.com/rate-limited.html' }).end();
          return true;
        },
      },
      password('x-access-token'),
    );
    const image = imageOf('ghcr');
    await pushImage(registry, image, 'v1');
    const referrer = await pushImage(registry, referrerOf(image.manifest, 'a/b'));
    expect((await registry.referrers(image.manifest.descriptor.digest)).map(({ digest }) => digest)).toEqual([
      referrer,
    ]);
    expect([...double.repository('you/web').tags.keys()]).toEqual([
      'v1',
      `sha256-${image.manifest.descriptor.digest.slice(7)}`,
    ]);
  });

  it('GitLab: a token service elsewhere whose tokens end in the middle of an upload', async () => {
    let patches = 0;
    const timing = quickTiming();
    const { registry, asked, access, double } = await startFlow(
      {
        challenge: bearer('container_registry'),
        tokenPath: '/jwt/auth',
        otherHost: true,
        answer: ({ scopes }) => ({
          body: { token: `${planted.token}-${patches}-${scopes.length}`, expires_in: 60 },
        }),
        alsoIntercept: request => {
          // An hour passes between two chunks.
          if (request.method === 'PATCH' && ++patches === 2) timing.advance(3_600_000);
          return false;
        },
      },
      password('gitlab-ci-token'),
      timing,
    );
    const chunked = new RemoteRegistry(access.session(double.host), 'you/web', {
      chunkedFrom: 1,
      chunkSize: 1000,
    });
    const { push, descriptor } = blobOf('x'.repeat(4500));
    expect(await chunked.push(push)).toEqual({ outcome: 'uploaded' });
    expect(double.repository('you/web').blobs.get(descriptor.digest)?.length).toBe(4500);
    expect(asked.filter(({ scopes }) => scopes[0] === 'repository:you/web:pull,push').length).toBe(2);
    expect(registry.place).toBe(`${double.host}/you/web`);
  });

  it('GitLab: a token that the registry suddenly refuses is renewed, and the chunk is sent again', async () => {
    let refused = false;
    const { access, double, asked } = await startFlow(
      {
        challenge: bearer('container_registry'),
        tokenPath: '/jwt/auth',
        alsoIntercept: (request, response) => {
          if (
            request.method !== 'PATCH' ||
            refused ||
            !String(request.headers['content-range']).startsWith('2000')
          )
            return false;
          refused = true;
          response.setHeader(
            'www-authenticate',
            `Bearer realm="http://${double.host}/jwt/auth",service="container_registry"`,
          );
          json(response, 401, { errors: [{ code: 'UNAUTHORIZED', message: 'expired_token' }] });
          return true;
        },
      },
      password('gitlab-ci-token'),
    );
    const chunked = new RemoteRegistry(access.session(double.host), 'you/web', {
      chunkedFrom: 1,
      chunkSize: 1000,
    });
    const { push, descriptor } = blobOf('y'.repeat(3500));
    await chunked.push(push);
    expect(double.repository('you/web').blobs.get(descriptor.digest)?.length).toBe(3500);
    expect([refused, asked.length]).toEqual([true, 2]);
  });

  it('ECR: Basic, and a confirmed subject without a list of referrers', async () => {
    const { registry, double } = await startFlow(
      {
        challenge: () =>
          'Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"',
        opens: basicHeader('AWS', planted.password),
        double: { referrers: 'confirmed-only' },
      },
      password('AWS'),
    );
    const image = imageOf('ecr');
    await pushImage(registry, image, 'v1');
    const referrer = await pushImage(registry, referrerOf(image.manifest, 'a/b'));
    expect((await registry.referrers(image.manifest.descriptor.digest)).map(({ digest }) => digest)).toEqual([
      referrer,
    ]);
    expect(double.repository('you/web').tags.has(`sha256-${image.manifest.descriptor.digest.slice(7)}`)).toBe(
      true,
    );
  });

  it.each(['oauth2accesstoken', '_json_key'])('Google Artifact Registry: a token for %s', async username => {
    const { registry, asked } = await startFlow(
      {
        challenge: bearer('europe-docker.pkg.dev'),
        tokenPath: '/v2/token',
        answer: () => ({ body: { token: planted.token } }),
      },
      password(username),
    );
    await registry.head('latest');
    expect(asked[0]?.authorization).toBe(basicHeader(username, planted.password));
  });

  it('ACR: an identity token is sent as a refresh token in a form, and the answer is an access_token', async () => {
    const { registry, asked } = await startFlow(
      {
        challenge: bearer('you.azurecr.io'),
        tokenPath: '/oauth2/token',
        answer: () => ({ body: { access_token: planted.token } }),
      },
      { kind: 'identity', token: planted.identity, source: 'the test' },
    );
    await registry.head('latest');
    expect(asked.map(({ method, form }) => [method, Object.fromEntries(form)])).toEqual([
      [
        'POST',
        {
          grant_type: 'refresh_token',
          service: 'you.azurecr.io',
          scope: 'repository:you/web:pull',
          refresh_token: planted.identity,
          client_id: 'cascadeguard',
        },
      ],
    ]);
  });

  it('an older token service that knows no POST is asked by GET', async () => {
    const { registry, asked } = await startFlow(
      {
        challenge: bearer('old'),
        tokenPath: '/token',
        answer: ({ method }) =>
          method === 'POST' ? { status: 405, body: {} } : { body: { token: planted.token } },
      },
      { kind: 'identity', token: planted.identity, source: 'the test', username: 'you' },
    );
    await registry.head('latest');
    expect(asked.map(({ method, authorization }) => [method, authorization])).toEqual([
      ['POST', undefined],
      ['GET', basicHeader('you', planted.identity)],
    ]);
  });

  it('Quay and Harbor: robots, and referrers by the API', async () => {
    for (const username of ['org+robot', 'robot$project+ci']) {
      const { registry, double } = await startFlow(
        { challenge: bearer('harbor-registry'), tokenPath: '/service/token', double: { referrers: 'api' } },
        password(username),
      );
      const image = imageOf('harbor');
      await pushImage(registry, image, 'v1');
      await pushImage(registry, referrerOf(image.manifest, 'a/b'));
      expect((await registry.referrers(image.manifest.descriptor.digest)).length).toBe(1);
      expect([...double.repository('you/web').tags.keys()]).toEqual(['v1']);
    }
  });

  it('zot and docker-registry: plain Basic', async () => {
    const { registry } = await startFlow(
      { challenge: () => 'Basic realm="zot"', opens: basicHeader('user', planted.password) },
      password('user'),
    );
    await pushImage(registry, imageOf('zot'), 'v1');
    expect(await registry.head('v1')).toBeDefined();
  });

  it('a registry token from the configuration is sent as it is', async () => {
    const { registry, asked } = await startFlow(
      { challenge: bearer('x'), opens: `Bearer ${planted.token}` },
      { kind: 'bearer', token: planted.token, source: 'the test' },
    );
    expect(await registry.head('v1')).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('an open registry is not asked for a token', async () => {
    const double = await RegistryDouble.start();
    open.push(double);
    const access = new RegistryAccess({ env: {}, credentials: () => Promise.resolve(password('user')) });
    open.push(access);
    await new RemoteRegistry(access.session(double.host), 'a').head('v1');
    expect(double.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe('tokens', () => {
  it('are fetched once for each scope, however many requests need them', async () => {
    const { registry, asked, double } = await startFlow(
      {
        challenge: bearer('x'),
        tokenPath: '/token',
        answer: ({ scopes }) => ({ body: { token: planted.token, scopes } }),
      },
      password('user'),
    );
    await registry.head('first');
    await Promise.all(Array.from({ length: 20 }, (_, at) => registry.head(`t${at}`)));
    expect(asked.length).toBe(1);
    expect(double.count('HEAD', '/manifests/')).toBe(22);
  });

  it('are renewed ten seconds before they end', async () => {
    const timing = quickTiming();
    const { registry, asked } = await startFlow(
      {
        challenge: bearer('x'),
        tokenPath: '/token',
        answer: () => ({ body: { token: planted.token, expires_in: 60 } }),
      },
      password('user'),
      timing,
    );
    await registry.head('v1');
    timing.advance(49_000);
    await registry.head('v1');
    expect(asked.length).toBe(1);
    timing.advance(2000);
    await registry.head('v1');
    expect(asked.length).toBe(2);
  });

  it('for a mount ask for both repositories', async () => {
    const { access, double, asked } = await startFlow(
      { challenge: bearer('x'), tokenPath: '/token', answer: () => ({ body: { token: planted.token } }) },
      password('user'),
    );
    const { push, descriptor } = blobOf('shared');
    double.repository('from/here').blobs.set(descriptor.digest, Buffer.from('shared'));
    const to = new RemoteRegistry(access.session(double.host), 'to/there');
    expect(await to.push({ ...push, mountFrom: 'from/here' })).toEqual({ outcome: 'mounted' });
    expect(asked.at(-1)?.scopes).toEqual(['repository:to/there:pull,push', 'repository:from/here:pull']);
  });

  it.each([
    ['no JSON object', 'text'],
    ['no token', {}],
    ['an empty token', { token: '' }],
    ['a token with a line break', { token: 'a\r\nx-evil: 1' }],
    ['a number', { token: 5 }],
  ])('that are %s are refused', async (_, body) => {
    const { registry } = await startFlow(
      { challenge: bearer('x'), tokenPath: '/token', answer: () => ({ body }) },
      password('user'),
    );
    expect((await faultOf(registry.head('v1'))).code).toBe('PROTOCOL');
  });

  it.each([
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
    [404, 'PROTOCOL'],
    [500, 'NETWORK'],
    [429, 'RATE_LIMITED'],
  ])('refused with %i say who was asked, for what, and with credentials from where', async (status, code) => {
    const { registry } = await startFlow(
      {
        challenge: bearer('x'),
        tokenPath: '/token',
        answer: ({ authorization }) => ({
          status,
          body: { details: `bad credentials ${authorization} ${planted.password}` },
        }),
      },
      password('user'),
    );
    const fault = await faultOf(registry.head('v1'));
    expect(fault.code).toBe(code);
    if (code === 'UNAUTHORIZED') {
      expect(fault.message).toContain('the credentials from the test');
      expect(fault.expected).toBe('access to repository:you/web:pull');
      expect(fault.next).toMatch(/^cg login 127\.0\.0\.1:\d+$/);
    }
  });

  it('that open nothing end in one clear error, without the secrets that the registry repeats', async () => {
    const { registry, double } = await startFlow(
      { challenge: bearer('x'), tokenPath: '/token', opens: 'Bearer never', answer: () => ({ body: {} }) },
      password('user'),
    );
    expect((await faultOf(registry.head('v1'))).code).toBe('PROTOCOL');
    expect(double.count('HEAD', '/manifests/')).toBe(1);
    const again = await startFlow(
      { challenge: () => 'Basic realm="x"', opens: 'Basic never' },
      password('user'),
    );
    const fault = await faultOf(again.registry.manifest('v1'));
    expect([fault.code, fault.kind]).toEqual(['UNAUTHORIZED', 'remote']);
    expect(fault.actual).toBe('401 UNAUTHORIZED: not Basic …');
  });

  it('and passwords are not sent in the clear to where a registry points', async () => {
    for (const realm of [
      'http://tokens.example.com/',
      'ftp://127.0.0.1/',
      'not a url',
      'http://169.254.169.254/token',
    ]) {
      const { registry } = await startFlow(
        { challenge: () => `Bearer realm="${realm}",service="x"` },
        password('user'),
      );
      expect((await faultOf(registry.head('v1'))).code, realm).toBe('REDIRECT_REFUSED');
    }
  });

  it('a challenge of junk is an unanswered question', async () => {
    const { registry } = await startFlow(
      { challenge: () => '\u0001"",,=Bearer'.replace('\u0001', '') },
      password('user'),
    );
    expect((await faultOf(registry.head('v1'))).code).toBe('UNAUTHORIZED');
  });

  it('403 is said as a missing permission', async () => {
    const { registry } = await startFlow(
      {
        challenge: () => 'Basic realm="x"',
        opens: basicHeader('user', planted.password),
        alsoIntercept: (_, response) => (
          json(response, 403, { errors: [{ code: 'DENIED', message: `no push for ${planted.password}` }] }),
          true
        ),
      },
      password('user'),
    );
    const fault = await faultOf(registry.manifest('v1'));
    expect([fault.code, fault.expected, fault.actual]).toEqual([
      'DENIED',
      'access to repository:you/web:pull',
      '403 DENIED: no push for …',
    ]);
  });
});
