import { describe, expect, it } from 'vitest';
import { unexpectedChanges } from './render.ts';

const [old, fresh] = [`r/cart@sha256:${'1'.repeat(64)}`, `r/cart@sha256:${'2'.repeat(64)}`];
const meant = { before: new Set(['r/cart']), after: new Set([fresh]), running: new Set([fresh]) };

describe('what renders before and after an edit', () => {
  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['is fine when exactly the image that was meant changes', [old, 'r/web:1'], [fresh, 'r/web:1'], []],
    ['is fine when it had a tag', ['r/cart:1'], [fresh], []],
    ['is fine when it keeps a tag beside the digest', [old], [fresh.replace('@', ':2@')], []],
    ['is refused when another image changes', [old, 'r/web:1'], [fresh, fresh], ['r/web:1 is gone']],
    ['is refused when another image comes', [old], [fresh, 'r/evil:1'], ['r/evil:1 has come']],
    ['is refused when nothing runs what was meant', ['r/evil:1'], ['r/evil:1'], [`${fresh} would not run`]],
  ])('%s', (_name, before, after, strange) => {
    expect(unexpectedChanges(before, after, meant)).toEqual(strange);
  });

  it('is fine when nothing runs an entry that is new', () => {
    expect(unexpectedChanges(['r/web:1'], ['r/web:1'], { ...meant, running: new Set() })).toEqual([]);
  });
});
