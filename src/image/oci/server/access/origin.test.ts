import { describe, expect, it } from 'vitest';
import { useRegistry } from '../../../../../test/running-registry.ts';
import { checkOrigin, type OriginRules } from './origin.ts';

const local: OriginRules = { loopbackOnly: true, allowed: ['images.example'] };
const open: OriginRules = { loopbackOnly: false, allowed: [] };
const nobody = { origin: undefined, site: undefined };

describe('a registry of this machine alone', () => {
  it.each([
    '127.0.0.1:5000',
    'localhost:1',
    'LOCALHOST',
    '[::1]:5000',
    'a.localhost',
    'Images.Example:443',
    undefined,
  ])('is reached as %s', host => expect(() => checkOrigin({ ...nobody, host }, local)).not.toThrow());

  it.each([
    'rebind.evil.example',
    '127.0.0.1.evil.example:5000',
    'localhost.evil.example',
    '10.0.0.1:5000',
    '',
  ])('is not reached as "%s"', host => {
    expect(() => checkOrigin({ ...nobody, host }, local)).toThrow(
      expect.objectContaining({ status: 403, code: 'DENIED' }),
    );
  });
});

describe('a page in a browser', () => {
  it.each([
    ['http://evil.example', undefined],
    ['null', undefined],
    ['http://127.0.0.1:8080', undefined],
    ['http://127.0.0.1:5000', 'cross-site'],
    [undefined, 'cross-site'],
  ])('of origin %s and site %s is refused everywhere', (origin, site) => {
    for (const rules of [local, open]) {
      expect(() => checkOrigin({ host: '127.0.0.1:5000', origin, site }, rules)).toThrow(/other origins/);
    }
  });

  it('of the same origin, or of one that is allowed, may ask', () => {
    const host = '127.0.0.1:5000';
    expect(() => checkOrigin({ host, origin: `http://${host}`, site: 'same-origin' }, local)).not.toThrow();
    expect(() =>
      checkOrigin({ host, origin: 'https://images.example', site: undefined }, local),
    ).not.toThrow();
  });
});

describe('a running registry without passwords', () => {
  const bench = useRegistry();

  it('refuses what a page on another site sends, and knows the names that it was given', async () => {
    const client = await bench.start({ allowHosts: ['images.example'] });
    const post = (headers: Record<string, string>) => client.send('POST', 'blobs/uploads/', { headers });
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await post({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await post({ host: 'rebind.evil.example' })).status).toBe(403);
    expect((await post({ host: 'images.example' })).status).toBe(202);
    expect((await post({})).status).toBe(202);
  });
});
