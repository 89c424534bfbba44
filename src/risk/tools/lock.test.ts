import { describe, expect, it } from 'vitest';
import { findDenied, judgeTool, readToolsLock, type ToolsLock } from './lock.ts';

const sha256 = 'a'.repeat(64);
const now = new Date('2026-11-24T12:00:00Z');
const entry = {
  version: '0.74.0',
  assets: { 'linux/amd64': { sha256 } },
  vouched: { by: 'team-platform', reason: 'cosign verify-blob of the release' },
  firstSeen: '2026-11-01T00:00:00Z',
};

function lockOf(change: object = {}, more: object = {}): ToolsLock {
  return readToolsLock(
    JSON.stringify({ version: 1, tools: { trivy: { ...entry, ...change } }, ...more }),
    'tools.lock.json',
  );
}

function judge(lock: ToolsLock | undefined, o: { sha256?: string; platform?: string; tool?: string } = {}) {
  return judgeTool({ tool: 'trivy', sha256, platform: 'linux/amd64', lock, now, ...o });
}

describe('a program', () => {
  it('of the lock, old enough and vouched for, is verified', () => {
    expect(judge(lockOf())).toEqual({ trust: 'verified', version: '0.74.0' });
  });

  it('inside an archive is known by its own digest', () => {
    const assets = { 'linux/amd64': { sha256: 'b'.repeat(64), program: sha256 } };
    expect(judge(lockOf({ assets })).trust).toBe('verified');
  });

  it.each<[string, ReturnType<typeof judge>]>([
    ['without a lock', judge(undefined)],
    ['that the lock does not name', judge(lockOf(), { tool: 'grype' })],
    ['named like a property of every object', judge(lockOf(), { tool: 'constructor' })],
    ['for another platform', judge(lockOf(), { platform: 'linux/arm64' })],
    ['for which nobody vouches', judge(lockOf({ vouched: undefined }))],
  ])('%s is not verified', (_what, { trust }) => expect(trust).toBe('unverified'));

  it.each<[string, ReturnType<typeof judge>]>([
    ['with another digest', judge(lockOf(), { sha256: 'c'.repeat(64) })],
    ['that was first seen yesterday', judge(lockOf({ firstSeen: '2026-11-23T00:00:00Z' }))],
    ['of a hostile release', judge(lockOf({ version: '0.69.5' }))],
    [
      'that the lock denies',
      judge(lockOf({}, { deny: [{ tool: 'trivy', versions: ['v0.74.0'], reason: 'ours' }] })),
    ],
  ])('%s must not run', (_what, { trust }) => expect(trust).toBe('denied'));

  it('may run early when somebody says why', () => {
    const waived = {
      firstSeen: '2026-11-23T00:00:00Z',
      ageWaived: { by: 'me', reason: 'fixes CVE-2026-0001' },
    };
    expect(judge(lockOf(waived)).trust).toBe('verified');
  });

  it('of a hostile release is denied, lock or no lock', () => {
    expect(findDenied('trivy', 'v0.69.4', undefined)).toContain('GHSA-69fq-xp46-6x23');
    expect(findDenied('trivy', '0.69.40', undefined)).toBeUndefined();
  });
});

it.each<[string, string]>([
  ['no JSON', '{'],
  ['another version', '{"version":2,"tools":{}}'],
  [
    'a digest that is too short',
    JSON.stringify({ version: 1, tools: { trivy: { ...entry, assets: { x: { sha256: 'ab' } } } } }),
  ],
  ['a key that nobody knows', JSON.stringify({ version: 1, tools: {}, allow: ['trivy'] })],
  ['an age that is none', JSON.stringify({ version: 1, minAge: 'soon', tools: {} })],
])('a lock with %s is refused', (_what, text) => {
  expect(() => readToolsLock(text, 'tools.lock.json')).toThrow(
    expect.objectContaining({ code: 'FILE_INVALID', kind: 'usage' }),
  );
});
