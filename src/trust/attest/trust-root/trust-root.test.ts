import { describe, expect, it } from 'vitest';
import { startLocalSigstore } from '../local-sigstore/start.ts';
import { isTrustAccepted, refuseHiddenLocalRoot } from './production-wall.ts';
import { ageOf, publicGoodRoot } from './public-good.ts';
import { parseTrustRoot } from './trust-root.ts';

describe('the public-good root', () => {
  it('is shipped, complete and dated', () => {
    const root = publicGoodRoot();
    expect(root.logs.map(({ baseUrl }) => baseUrl)).toEqual([
      'https://rekor.sigstore.dev',
      'https://log2025-1.rekor.sigstore.dev',
    ]);
    expect(root.authorities.length).toBeGreaterThan(1);
    expect(root.timestampAuthorities.length).toBeGreaterThan(0);
    expect(root.certificateLogs.length).toBeGreaterThan(0);
    expect(root.expires).toBeInstanceOf(Date);
  });

  it.each([
    [1, 'fresh'],
    [181, 'old'],
    [1000, 'expired'],
  ] as const)('is after %i days %s', (days, state) => {
    const root = publicGoodRoot();
    const now = new Date((root.taken?.getTime() ?? 0) + days * 86_400_000);
    expect(
      ageOf({ ...root, expires: new Date((root.taken?.getTime() ?? 0) + 999 * 86_400_000) }, now).state,
    ).toBe(state);
  });
});

describe('a trust root is refused', async () => {
  const sigstore = await startLocalSigstore({ project: 'roots' });
  await sigstore.close();
  const text = JSON.stringify(sigstore.trustedRoot);

  it.each([
    ['without a start', text.replace(/"validFor":\{"start":"[^"]*"\}/, '"validFor":{}')],
    ['with a start that is no date', text.replace(/"start":"[^"]*"/, '"start":"yesterday"')],
    [
      'with the id of another key',
      text.replace(/"keyId":"[^"]*"/, `"keyId":"${Buffer.alloc(32).toString('base64')}"`),
    ],
    ['with an empty chain', text.replace(/"certificates":\[[^\]]*\]/, '"certificates":[]')],
    ['of another kind', '{"mediaType":"x"}'],
    ['that is no JSON', '{'],
  ])('%s', (_name, changed) => {
    expect(() => parseTrustRoot('local:x', changed)).toThrow(
      expect.objectContaining({ code: 'TRUST_ROOT_INVALID' }),
    );
  });

  it('when it hides local keys under another name, whole or merged', () => {
    const hidden = { ...parseTrustRoot('local:roots', text), name: 'private:x' };
    const disguised = { ...sigstore.trustedRoot, tlogs: [] };
    expect(() => parseTrustRoot('private:x', JSON.stringify(disguised))).toThrow(/not for production/);
    const merged = {
      ...publicGoodRoot(),
      authorities: [...publicGoodRoot().authorities, ...hidden.authorities],
    };
    const logOnly = { ...publicGoodRoot(), logs: hidden.logs };
    const local = parseTrustRoot('local:roots', text);
    expect(() => refuseHiddenLocalRoot(hidden)).toThrow(/local Sigstore/);
    expect(() => refuseHiddenLocalRoot(merged)).toThrow(/local Sigstore/);
    expect(() => refuseHiddenLocalRoot(logOnly, [local])).toThrow(/local Sigstore/);
    expect(() => refuseHiddenLocalRoot(local)).not.toThrow();
    expect(() => refuseHiddenLocalRoot(publicGoodRoot(), [local])).not.toThrow();
  });
});

describe('the production wall', () => {
  it('accepts the public root and named private ones, and local ones only when that is said', () => {
    expect(isTrustAccepted('public-good', {})).toBe(true);
    expect(isTrustAccepted('private:bank', {})).toBe(false);
    expect(isTrustAccepted('private:bank', { roots: ['private:bank'] })).toBe(true);
    expect(isTrustAccepted('local:shop', { roots: ['local:shop'] })).toBe(false);
    expect(isTrustAccepted('local:shop', { allowLocal: true })).toBe(true);
  });
});
