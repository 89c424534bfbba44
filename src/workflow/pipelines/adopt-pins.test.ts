import { describe, expect, it } from 'vitest';
import type { Pins } from '../../delivery/pipeline/pins.ts';
import { hasCode } from '../../ground/fault/fault.ts';
import { adoptPins, effectivePins, readLock, type SeenFile } from './adopt-pins.ts';

const sha = (character: string) => character.repeat(40);
const digest = (character: string) => `sha256:${character.repeat(64)}`;
const base: Pins = new Map([
  ['actions/checkout', { at: sha('a'), version: 'v7.0.1' }],
  ['node', { at: digest('a'), version: '22-bookworm' }],
]);
const now = new Date('2026-01-02T03:04:05Z');
const uses = (
  character: string,
  version: string,
  status: SeenFile['status'] = 'pins-differ',
  path = 'one.yml',
) => ({
  path,
  status,
  text: `uses: actions/checkout@${sha(character)} # ${version}\n`,
});
const adopt = (files: readonly SeenFile[], lock?: string) =>
  adoptPins(base, { locked: readLock(lock), files, now });
const pinOf = (files: readonly SeenFile[], lock?: string) =>
  adopt(files, lock).pins.get('actions/checkout')?.version;

describe('adopting pins', () => {
  it('takes over what a bot raised, and remembers since when and from where', () => {
    const { pins, lock, notes } = adopt([uses('b', 'v7.1.0')]);
    expect(pins.get('actions/checkout')).toEqual({ at: sha('b'), version: 'v7.1.0' });
    expect(JSON.parse(lock ?? '').pins).toEqual({
      'actions/checkout': {
        version: 'v7.1.0',
        sha: sha('b'),
        firstSeen: now.toISOString(),
        source: 'one.yml',
      },
    });
    expect(notes).toEqual(['adopted actions/checkout v7.1.0 from one.yml']);
  });

  it('says nothing and writes nothing when nobody raised anything', () => {
    expect(adopt([uses('a', 'v7.0.1', 'current')])).toEqual({ pins: base, notes: [] });
  });

  it('of two that were raised takes the newer', () => {
    expect(pinOf([uses('c', 'v7.10.0', 'pins-differ', 'a'), uses('b', 'v7.9.0', 'pins-differ', 'b')])).toBe(
      'v7.10.0',
    );
    expect(pinOf([uses('a', 'v7.0.1', 'current'), uses('b', 'v7.9.0')])).toBe('v7.9.0');
  });

  it('takes over an older one when all files have it', () => {
    expect(pinOf([uses('b', 'v6.0.0')])).toBe('v6.0.0');
  });

  it('keeps what was adopted when files are made again by a newer cg, and prefers its own newer pins', () => {
    const { lock } = adopt([uses('b', 'v8.0.0')]);
    expect(pinOf([], lock)).toBe('v8.0.0');
    expect(pinOf([uses('c', 'v9.0.0', 'stale')], lock)).toBe('v9.0.0');
    expect(pinOf([uses('c', 'v6.0.0', 'stale')])).toBe('v7.0.1');
  });

  it('takes nothing from files that are not ours, and nothing that we do not use', () => {
    expect(pinOf([uses('b', 'v9.0.0', 'edited'), uses('b', 'v9.0.0', 'unmanaged')])).toBe('v7.0.1');
    const strange = {
      path: 'p',
      status: 'pins-differ' as const,
      text: `uses: evil/checkout@${sha('b')} # v9\n`,
    };
    expect([...adopt([strange]).pins.keys()]).toEqual([...base.keys()]);
  });

  it('takes a moved tag of an action for an alarm', () => {
    const thrown = (() => {
      try {
        return adopt([uses('b', 'v7.0.1')]);
      } catch (error) {
        return error;
      }
    })();
    expect(hasCode(thrown, 'PIN_MOVED') && thrown.kind).toBe('trust');
  });

  it('takes a new digest of an image, until somebody names another image', () => {
    const file = {
      path: 'p',
      status: 'pins-differ' as const,
      text: `image: node:22.1-bookworm@${digest('b')}\n`,
    };
    const { pins, lock } = adopt([file]);
    expect(pins.get('node')).toEqual({ at: digest('b'), version: '22.1-bookworm' });
    expect(effectivePins(base, readLock(lock)).get('node')?.at).toBe(digest('b'));
    const other: Pins = new Map([['node', { at: digest('c'), version: '24' }]]);
    expect(effectivePins(other, readLock(lock)).get('node')?.at).toBe(digest('c'));
  });

  it.each([
    '{',
    '[]',
    '{"version":2,"pins":{}}',
    '{"version":1,"pins":{"a/b":{"sha":"v7","firstSeen":"x","source":"y"}}}',
    '{"version":1,"pins":{"a/b":{"firstSeen":"x","source":"y"}}}',
  ])('refuses the lock file %s', text => expect(() => readLock(text)).toThrow());
});
