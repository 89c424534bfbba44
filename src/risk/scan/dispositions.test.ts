import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../test/faults.ts';
import type { Finding } from '../../model/finding.ts';
import { applyVex, readVex } from './vex.ts';
import { applyWaivers, matchesImage, type Waiver } from './waivers.ts';

const finding: Finding = {
  key: 'CVE-2024-0001|deb/libssl3|3.0',
  id: 'CVE-2024-0001',
  aliases: ['GHSA-aaaa-bbbb-cccc'],
  advisories: [],
  pkg: {
    purl: 'pkg:deb/debian/libssl3@3.0',
    type: 'deb',
    name: 'libssl3',
    version: '3.0',
    locations: ['opt/app/lib/x'],
  },
  claims: [],
  effective: { severity: 'high', reason: '' },
  fix: { available: true, versions: ['3.1'] },
  disposition: { kind: 'open' },
};
const waiver: Waiver = {
  id: 'CVE-2024-0001',
  kind: 'accepted',
  reason: 'not reachable',
  owner: 'team-payments',
  expires: new Date('2026-12-31T23:59:59Z'),
};
const now = new Date('2026-06-01T00:00:00Z');

function apply(one: Partial<Waiver>, o: { now?: Date; image?: string } = {}) {
  const { findings, notes } = applyWaivers([finding], [{ ...waiver, ...one }], {
    now,
    image: 'ghcr.io/acme/api@sha256:1',
    ...o,
  });
  return { disposition: findings[0]?.disposition, state: notes[0]?.state };
}

describe('a waiver', () => {
  it('keeps the finding, with who, until when and why', () => {
    expect(apply({}).disposition).toEqual({
      kind: 'accepted',
      by: 'team-payments',
      until: '2026-12-31T23:59:59.000Z',
      statement: 'not reachable',
    });
  });

  it('by any name of the vulnerability', () => {
    expect(apply({ id: 'ghsa-aaaa-bbbb-cccc' }).state).toBe('applied');
    expect(apply({ id: 'CVE-2024-00011' }).state).toBe('unused');
  });

  it('blocks again in the minute in which it expires', () => {
    expect(apply({}, { now: new Date('2026-12-31T23:59:58Z') }).disposition?.kind).toBe('accepted');
    expect(apply({}, { now: new Date('2026-12-31T23:59:59Z') })).toEqual({
      disposition: { kind: 'open' },
      state: 'expired',
    });
  });

  it.each<[Partial<Waiver>, string]>([
    [{ packages: ['pkg:deb/*/libssl3'] }, 'applied'],
    [{ packages: ['pkg:deb/debian/libssl*'] }, 'applied'],
    [{ packages: ['pkg:deb/*/libssl3@3.0'] }, 'applied'],
    [{ packages: ['pkg:deb/*/libssl3@2.9'] }, 'unused'],
    [{ packages: ['pkg:rpm/*/libssl3'] }, 'unused'],
    [{ packages: ['pkg:deb/*/libssl'] }, 'unused'],
    [{ packages: ['libssl3'] }, 'unused'],
    [{ images: ['acme/api'] }, 'applied'],
    [{ images: ['ghcr.io/acme/api'] }, 'applied'],
    [{ images: ['acme/*'] }, 'applied'],
    [{ images: ['acme/apis'] }, 'unused'],
    [{ images: ['other.io/acme/api'] }, 'unused'],
    [{ paths: ['/opt/app/**'] }, 'applied'],
    [{ paths: ['/opt/*/lib/x'] }, 'applied'],
    [{ paths: ['/opt/*'] }, 'unused'],
    [{ paths: ['/srv/**'] }, 'unused'],
  ])('with the scope %j is %s', (scope, state) => {
    expect(apply(scope).state).toBe(state);
  });

  it('for the last part of a name covers no image of which it is a part only', () => {
    expect(matchesImage('api', 'ghcr.io/acme/api')).toBe(false);
    expect(matchesImage('acme/api', '127.0.0.1:5000/acme/api:1')).toBe(true);
  });
});

describe('VEX', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const image = { '@id': `pkg:oci/api@sha256%3A${'a'.repeat(64)}` };
  const part = { '@id': 'pkg:deb/debian/libssl3@3.0?arch=amd64' };
  function dispositionOf(...statements: object[]) {
    const document = {
      '@context': 'https://openvex.dev/ns/v0.2.0',
      author: 'acme',
      timestamp: '2026-01-01T00:00:00Z',
      statements,
    };
    return applyVex([finding], readVex(JSON.stringify(document), 'vex.json'), { digest })[0];
  }
  const said = {
    vulnerability: { name: 'CVE-2024-0001' },
    status: 'not_affected',
    justification: 'component_not_present',
  };

  it.each([
    ['the image', [image], 'vex-not_affected'],
    ['the package in the image', [{ ...image, subcomponents: [part] }], 'vex-not_affected'],
    ['the package anywhere', [part], 'vex-not_affected'],
    ['the image by its hash', [{ hashes: { 'sha-256': 'a'.repeat(64) } }], 'vex-not_affected'],
    ['another image', [{ '@id': `pkg:oci/api@sha256%3A${'b'.repeat(64)}` }], 'open'],
    [
      'another package in the image',
      [{ ...image, subcomponents: [{ '@id': 'pkg:deb/debian/zlib1g' }] }],
      'open',
    ],
    ['another version', [{ '@id': 'pkg:deb/debian/libssl3@2.0' }], 'open'],
    ['no product at all', [], 'open'],
  ])('about %s', (_what, products, kind) => {
    expect(dispositionOf({ ...said, products })?.disposition.kind).toBe(kind);
  });

  it('that was taken back later does not hold, and the conflict shows', () => {
    const later = { ...said, status: 'affected', products: [image], timestamp: '2026-02-01T00:00:00Z' };
    expect(dispositionOf({ ...said, products: [image] }, later)).toMatchObject({
      disposition: { kind: 'open' },
      flags: ['vex-conflict'],
    });
  });

  it('that says not_affected without a reason is refused', async () => {
    const bare = { vulnerability: 'CVE-2024-0001', status: 'not_affected', products: [image] };
    expect(await faultOf((async () => dispositionOf(bare))())).toMatchObject({ code: 'FILE_INVALID' });
  });
});
