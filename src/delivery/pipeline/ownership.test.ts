import { describe, expect, it } from 'vitest';
import { addHeader, compareFile } from './ownership.ts';

const sha = (character: string) => character.repeat(40);
const digest = (character: string) => `sha256:${character.repeat(64)}`;
const body = (uses = `actions/checkout@${sha('a')} # v7.0.1`, image = `node:22-bookworm@${digest('0')}`) =>
  `steps:\n  - uses: ${uses}\n  - image: ${image}\n`;
const render = (text: string, version = '1.0.0') => addHeader(text, { purpose: 'A test.', version });
const rendered = render(body());
const bumped = rendered.replace(sha('a'), sha('b')).replace('v7.0.1', 'v7.1.0');

describe('the ownership of a generated file', () => {
  it.each<[string, string | undefined, string]>([
    ['the same bytes', rendered, 'current'],
    ['a commit and its comment that a bot raised', bumped, 'pins-differ'],
    ['a commit without a comment', rendered.replace(`${sha('a')} # v7.0.1`, sha('c')), 'pins-differ'],
    ['a digest of the same tag', rendered.replace(digest('0'), digest('1')), 'pins-differ'],
    [
      'a tag of the same major version with its digest',
      rendered.replace(`22-bookworm@${digest('0')}`, `22.11-bookworm@${digest('1')}`),
      'pins-differ',
    ],
    ['line ends of Windows', rendered.replaceAll('\n', '\r\n'), 'pins-differ'],
    ['a raised commit and line ends of Windows', bumped.replaceAll('\n', '\r\n'), 'pins-differ'],
    ['what an older cg wrote', render(body(), '0.9.0'), 'stale'],
    ['what an older cg wrote of other images', render(`${body()}more: 1\n`, '0.9.0'), 'stale'],
    ['what an older cg wrote and a bot raised', render(body(), '0.9.0').replace(sha('a'), sha('b')), 'stale'],
    [
      'what an older cg wrote, with line ends of Windows',
      render(body(), '0.9.0').replaceAll('\n', '\r\n'),
      'stale',
    ],
    ['an edit', rendered.replace('steps:', 'steps: # mine'), 'edited'],
    ['an edit in what an older cg wrote', `${render(body(), '0.9.0')}more: 1\n`, 'edited'],
    ['a raised commit and an edit', `${bumped}more: 1\n`, 'edited'],
    ['a tag in place of a commit', rendered.replace(`@${sha('a')} # v7.0.1`, '@v7'), 'edited'],
    ['another action', rendered.replace('actions/checkout', 'evil/checkout'), 'edited'],
    ['another image', rendered.replace('node:22', 'nodes:22'), 'edited'],
    ['an image without its digest', rendered.replace(`@${digest('0')}`, ''), 'edited'],
    [
      'another major version',
      rendered.replace(`node:22-bookworm@${digest('0')}`, `node:24@${digest('1')}`),
      'edited',
    ],
    ['a version of cg that somebody else wrote there', rendered.replace('v1.0.0', 'v2.0.0'), 'edited'],
    ['no header', body(), 'unmanaged'],
    ['an empty file', '', 'unmanaged'],
    ['a header without its hash', rendered.replace(/^# cg:hash.*\n/m, ''), 'unmanaged'],
    ['nothing', undefined, 'missing'],
  ])('%s', (_, onDisk, status) => {
    expect(compareFile(onDisk, rendered)).toBe(status);
  });

  it('does not tell apart what differs only in pins', () => {
    const hashOf = (text: string) => /cg:hash=\S+/.exec(text)?.[0];
    expect(hashOf(render(body(`actions/checkout@${sha('b')} # v8`)))).toBe(hashOf(rendered));
    expect(hashOf(render(`${body()}more: 1\n`))).not.toBe(hashOf(rendered));
  });

  it('keeps the line that must be first', () => {
    expect(addHeader('exit 0\n', { purpose: 'A test.', version: '1', first: '#!/bin/sh' })).toMatch(
      /^#!\/bin\/sh\n# A test\.\n.*DO NOT EDIT/,
    );
  });

  it('takes no time over lines made to be slow', () => {
    const started = performance.now();
    compareFile(`${rendered}image: ${'a:'.repeat(500_000)}\n`, rendered);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
