import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../wait-for.ts';

const program = join(import.meta.dirname, '../../dist/cg.js');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-up-story-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): {
  child: ChildProcess;
  ended: Promise<unknown[]>;
  stdout: () => string;
  stderr: () => string;
} {
  const child = spawn(process.execPath, [program, 'up', '--data', 'up', '--addr', '127.0.0.1:0', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, NO_COLOR: '1' },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', chunk => (stdout += chunk));
  child.stderr.on('data', chunk => (stderr += chunk));
  return { child, ended: once(child, 'close'), stdout: () => stdout, stderr: () => stderr };
}

describe('cg up', () => {
  it('tells its story to the end after it was killed in the middle, and again', async () => {
    const killed = start('--ci');
    await waitFor(() => killed.stdout().includes('5. The base gets its next digest'), 'the fifth chapter');
    killed.child.kill('SIGKILL');
    await killed.ended;
    for (let run = 0; run < 2; run++) {
      const began = performance.now();
      const told = start('--ci');
      const [code] = await told.ended;
      expect({ code, stderr: told.stderr() }).toEqual({ code: 0, stderr: '' });
      expect(told.stdout()).toMatch(/\n\d+ promises, all of them held\.\n$/);
      expect(performance.now() - began).toBeLessThan(30_000);
    }
  }, 90_000);

  it('that is interrupted in the middle of its story ends cleanly', async () => {
    const told = start();
    await waitFor(() => told.stdout().includes('4. Every service is built'), 'the fourth chapter');
    told.child.kill('SIGINT');
    const [code] = await told.ended;
    expect(code).toBe(130);
    expect(told.stderr()).not.toContain('BUG');
  }, 30_000);
});
