import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareFile, writeFileAtomically } from './atomic-file.ts';
import { BoundedCache } from './bounded-cache.ts';
import { ContentStore } from './content-store.ts';
import { KeyLock } from './key-lock.ts';
import { syncFolder } from './sync-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cg-store-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('an atomic write', () => {
  it.each([true, false])('replaces the whole file and leaves nothing else (durable: %s)', async durable => {
    const path = join(folder, 'file');
    await writeFileAtomically(path, 'long before', { durable });
    await writeFileAtomically(path, 'after', { durable });
    expect(await readFile(path, 'utf8')).toBe('after');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('that fails says so as a fault and leaves nothing', async () => {
    await expect(writeFileAtomically('/proc/nothing/file', 'x')).rejects.toThrow();
    await writeFileAtomically(join(folder, 'taken/inside'), 'x').catch(() => undefined);
    expect(await readdir(folder)).toEqual([]);
  });

  it('can be prepared and discarded', async () => {
    const file = await prepareFile(folder, 'name', 'bytes');
    expect((await readdir(folder)).length).toBe(1);
    await file.discard();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is never seen half by a reader', async () => {
    const path = join(folder, 'file');
    const versions = ['a', 'b'].map(letter => letter.repeat(200_000));
    await writeFileAtomically(path, versions[0] ?? '');
    const writing = (async () => {
      for (let turn = 0; turn < 40; turn++) await writeFileAtomically(path, versions[turn % 2] ?? '');
    })();
    for (let turn = 0; turn < 40; turn++) expect(versions).toContain(await readFile(path, 'utf8'));
    await writing;
  });
});

describe('a content store', () => {
  it('adopts files, says which were new, lists and removes them', async () => {
    const store = new ContentStore(join(folder, 'blobs'));
    const digest = `sha256:${createHash('sha256').update('x').digest('hex')}` as const;
    for (const isNew of [true, false]) {
      await writeFile(join(folder, 'upload'), 'x');
      expect(await store.adopt(join(folder, 'upload'), digest)).toBe(isNew);
    }
    expect(store.size(digest)).toBe(1);
    const listed = [];
    for await (const { digest: found, size } of store.list()) listed.push({ found, size });
    expect(listed).toEqual([{ found: digest, size: 1 }]);
    store.removeNow(digest);
    store.removeNow(digest);
    expect(store.size(digest)).toBeUndefined();
  });
});

describe('a bounded cache', () => {
  it('never holds more than its limit and forgets the least recently used first', () => {
    const cache = new BoundedCache<string>(1_000, text => text.length);
    for (const key of ['a', 'b', 'c']) cache.put(key, 'x'.repeat(200));
    expect(cache.get('a')).toBeDefined();
    cache.put('d', 'x'.repeat(200));
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('a')).toBeDefined();
    cache.put('huge', 'x'.repeat(2_000));
    expect(cache.get('huge')).toBeUndefined();
  });

  it('ignores what was read before something was written', () => {
    const cache = new BoundedCache<string>(10_000, text => text.length);
    const { version } = cache;
    cache.drop('tag');
    cache.fill('tag', 'old', version);
    expect(cache.get('tag')).toBeUndefined();
    cache.fill('tag', 'new', cache.version);
    expect(cache.get('tag')).toBe('new');
  });

  it('agrees with a plain map for every sequence of operations, as long as it is large enough', () => {
    const step = fc.tuple(fc.constantFrom('put', 'drop', 'get'), fc.constantFrom('a', 'b', 'c'), fc.string());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const cache = new BoundedCache<string>(1_000_000, text => text.length);
        const model = new Map<string, string>();
        for (const [action, key, value] of steps) {
          if (action === 'put') {
            cache.put(key, value);
            model.set(key, value);
          } else if (action === 'drop') {
            cache.drop(key);
            model.delete(key);
          }
          expect(cache.get(key)).toBe(model.get(key));
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe('a key lock', () => {
  it('runs work on one key in order, one at a time, and other keys beside it', async () => {
    const lock = new KeyLock();
    const log: string[] = [];
    const work = (key: string, name: string) =>
      lock.run(key, async () => {
        log.push(`${name} begins`);
        await new Promise<void>(resolve => setImmediate(resolve));
        log.push(`${name} ends`);
        if (name === 'a1') throw new Error('a1 failed');
      });
    const results = await Promise.allSettled([work('a', 'a1'), work('a', 'a2'), work('b', 'b1')]);
    expect(results.map(result => result.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(log.indexOf('a2 begins')).toBeGreaterThan(log.indexOf('a1 ends'));
    expect(log.indexOf('b1 begins')).toBeLessThan(log.indexOf('a1 ends'));
  });
});

describe('a folder sync', () => {
  it('is shared by those who wait, and fails for all of them when the folder is not there', async () => {
    const [first, second] = [syncFolder(folder), syncFolder(folder)];
    expect(first).toBe(second);
    await first;
    const missing = join(folder, 'missing');
    const results = await Promise.allSettled([syncFolder(missing), syncFolder(missing)]);
    expect(results.map(result => result.status)).toEqual(['rejected', 'rejected']);
    await syncFolder(folder);
  });
});
