import { afterEach, describe, expect, it } from 'vitest';
import { faultOf } from '../../../../test/faults.ts';
import { imageOf, pushImage } from '../../../../test/images.ts';
import { quickTiming } from '../../../../test/quick-timing.ts';
import { type DoubleOptions, json, RegistryDouble } from '../../../../test/registry-double.ts';
import { RegistryAccess } from '../access.ts';
import { RemoteRegistry } from './remote.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

async function start(options: DoubleOptions = {}): Promise<(repository: string) => RemoteRegistry> {
  const double = await RegistryDouble.start(options);
  const access = new RegistryAccess({
    env: {},
    timing: quickTiming(),
    credentials: () => Promise.resolve(undefined),
  });
  open.push(double, access);
  return repository => new RemoteRegistry(access.session(double.host), repository);
}

describe('a tag that is not there', () => {
  it('is told apart from a repository that is there and has no tags', async () => {
    const at = await start({
      intercept: (request, response) => {
        if (request.url?.startsWith('/v2/_catalog') !== true) return false;
        json(response, 200, { repositories: ['shop/web', 'shop/webs'] });
        return true;
      },
    });
    await pushImage(at('shop/web'), imageOf('one'));
    expect(await faultOf(at('shop/web').manifest('latest'))).toMatchObject({
      code: 'NOT_FOUND',
      actual: 'this repository has no tags',
      next: expect.stringContaining('by its digest'),
    });
  });

  it('is answered with the tags that are, and the one that was probably meant', async () => {
    const at = await start();
    await pushImage(at('shop/web'), imageOf('one'), 'release', `sha256-${'a'.repeat(64)}.sig`);
    const fault = await faultOf(at('shop/web').manifest('releese'));
    expect([fault.code, fault.expected, fault.actual]).toEqual([
      'NOT_FOUND',
      'the tag releese',
      'there is: release',
    ]);
    expect(fault.next).toContain(`did you mean ${at('shop/web').place}:release?`);
    expect((await faultOf(at('shop/web').manifest('latest'))).next).toBe(
      'name a tag (without one, latest is meant); there is: release',
    );
  });

  it('is answered with ten tags at most', async () => {
    const at = await start();
    const tags = Array.from({ length: 25 }, (_, index) => `v${index}`);
    await pushImage(at('shop/web'), imageOf('one'), ...tags);
    const fault = await faultOf(at('shop/web').manifest('none'));
    expect(fault.actual?.split(', ').length).toBe(10);
    expect(fault.actual).toContain('and 15 more');
  });

  it('in a repository that is not there makes us look for its neighbour, on this machine', async () => {
    const at = await start({
      intercept: (request, response) => {
        if (request.url?.startsWith('/v2/_catalog') !== true) return false;
        json(response, 200, { repositories: ['shop/web', 'other', '../evil'] });
        return true;
      },
    });
    const fault = await faultOf(at('shop/wbe').manifest('v1'));
    expect(fault.next).toBe(`did you mean ${at('shop/web').place}?`);
  });

  it.each([
    [500, 'broken'],
    [200, 'not JSON'],
    [200, '{"tags":5}'],
    [401, '{}'],
  ])('stays not found when the list is answered with %i %s', async (status, body) => {
    const at = await start({
      intercept: (request, response) => {
        if (request.url?.includes('/tags/list') !== true) return false;
        response.writeHead(status).end(body);
        return true;
      },
    });
    expect((await faultOf(at('shop/web').manifest('v1'))).code).toBe('NOT_FOUND');
  });

  it('costs no list when it is a digest', async () => {
    const asked: (string | undefined)[] = [];
    const at = await start({ intercept: request => void asked.push(request.url) });
    await faultOf(at('shop/web').manifest(`sha256:${'0'.repeat(64)}`));
    expect(asked.length).toBe(1);
  });
});

describe('what a registry says in an error', () => {
  it('is one bounded line', async () => {
    const text = `a\nb\r\u2028c\u001b[2J${'x'.repeat(5000)}`;
    for (const body of [text, JSON.stringify({ errors: [{ code: text, message: text }] })]) {
      const at = await start({
        intercept: (_, response) => (response.writeHead(400).end(body), true),
      });
      const fault = await faultOf(at('shop/web').manifest('v1'));
      expect(fault.actual).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      expect(fault.actual?.length).toBeLessThan(420);
    }
  });
});
