import { describe, expect, it } from 'vitest';
import { findIntruder, type OriginRules } from './visit.ts';

const local: OriginRules = { loopbackOnly: true, allowed: ['images.example'] };
const open: OriginRules = { loopbackOnly: false, allowed: [] };
const nobody = { origin: undefined, site: undefined };

describe('a server of this machine alone', () => {
  it.each([
    '127.0.0.1:5000',
    'localhost:1',
    'LOCALHOST',
    '[::1]:5000',
    'a.localhost',
    'Images.Example:443',
    undefined,
  ])('is reached as %s', host => expect(findIntruder({ ...nobody, host }, local)).toBeUndefined());

  it.each([
    'rebind.evil.example',
    '127.0.0.1.evil.example:5000',
    'localhost.evil.example',
    '10.0.0.1:5000',
    '',
  ])('is not reached as "%s"', host => expect(findIntruder({ ...nobody, host }, local)).toBe('name'));
});

describe('a page in a browser', () => {
  it.each([
    ['http://evil.example', undefined],
    ['null', undefined],
    ['http://127.0.0.1:8080', undefined],
    ['http://127.0.0.1:5000', 'cross-site'],
    [undefined, 'cross-site'],
  ])('of origin %s and site %s is refused everywhere', (origin, site) => {
    for (const rules of [local, open])
      expect(findIntruder({ host: '127.0.0.1:5000', origin, site }, rules)).toBe('page');
  });

  it('of the same origin, or of one that is allowed, may ask', () => {
    const host = '127.0.0.1:5000';
    expect(findIntruder({ host, origin: `http://${host}`, site: 'same-origin' }, local)).toBeUndefined();
    expect(findIntruder({ host, origin: 'https://images.example', site: undefined }, local)).toBeUndefined();
  });
});
