import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeTurns } from './machine-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-turns-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('taking turns', () => {
  it('lets one at a time work on the same key, and all of them in the end', async () => {
    const root = join(folder, 'locks');
    const events: string[] = [];
    const work = (name: string) => async () => {
      events.push(`${name} begins`);
      await new Promise(resolve => setImmediate(resolve));
      events.push(`${name} ends`);
    };
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.map(async name => await takeTurns('key', work(name), { root })));
    const pairs = names.map((_, at) => events.slice(at * 2, at * 2 + 2).map(event => event.split(' ')[0]));
    for (const [begun, ended] of pairs) expect(begun).toBe(ended);
    expect(events.length).toBe(8);
  });

  it('gives the lock back when the work fails', async () => {
    const root = join(folder, 'locks');
    const failing = takeTurns('key', () => Promise.reject(new Error('broken')), { root });
    await expect(failing).rejects.toThrow('broken');
    await expect(takeTurns('key', () => Promise.resolve('done'), { root, patience: 0 })).resolves.toBe(
      'done',
    );
  });

  it('goes on without the lock when others keep it for too long', async () => {
    const root = join(folder, 'locks');
    const inner = takeTurns(
      'key',
      () => takeTurns('key', () => Promise.resolve('done'), { root, patience: 0 }),
      { root },
    );
    await expect(inner).resolves.toBe('done');
  });

  it('goes on without the lock where the folder is not ours to use', async () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(folder, join(folder, 'link'));
    for (const name of ['file', 'link']) {
      await expect(
        takeTurns('key', () => Promise.resolve('done'), { root: join(folder, name) }),
      ).resolves.toBe('done');
    }
  });

  it('stops waiting when it is interrupted', async () => {
    const root = join(folder, 'locks');
    const stop = new AbortController();
    const waiting = takeTurns(
      'key',
      async () => {
        const second = takeTurns('key', () => Promise.resolve('done'), { root, signal: stop.signal });
        stop.abort(new Error('interrupted'));
        return await second;
      },
      { root },
    );
    await expect(waiting).rejects.toThrow();
  });
});
