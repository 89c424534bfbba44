import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestRegistry } from '../signing-place.ts';
import { waitFor } from '../wait-for.ts';

const cg = join(import.meta.dirname, '../../dist/cg.js');
let folder: string;
let server: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cg-sigstore-serve-'));
});
afterEach(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const options = () => ({ cwd: folder, env: { PATH: process.env.PATH, HOME: folder } });
// The registry of this test runs in this process, so nothing may block it.
const run = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [cg, ...args], options())).stdout;

async function serve(): Promise<{ url: string; folder: string }> {
  const ready = join(folder, 'ready.json');
  server = spawn(process.execPath, [cg, 'sigstore', 'serve', '--project', 'shop', '--ready-file', ready], {
    ...options(),
    stdio: 'ignore',
  });
  await waitFor(() => existsSync(ready), 'the Sigstore to serve');
  return JSON.parse(readFileSync(ready, 'utf8')) as { url: string; folder: string };
}

async function stop(): Promise<number | null> {
  const ended = new Promise<number | null>(resolve => server?.once('exit', resolve));
  server?.kill('SIGTERM');
  return await ended;
}

describe('cg sigstore serve', () => {
  it('signs, ends when it is told, and knows everything again after a restart', async () => {
    const registry = await openTestRegistry();
    try {
      const { reference } = await registry.image('shop/web');
      const first = await serve();
      expect(statSync(join(first.folder, 'keys')).mode & 0o777).toBe(0o700);
      await run('sign', reference, '--local', '--project', 'shop');
      expect(await stop()).toBe(0);
      expect(existsSync(join(folder, 'ready.json'))).toBe(false);
      const who = [
        '--issuer',
        `${first.url}/local`,
        '--identity',
        'https://github.com/example/shop/.github/workflows/release.yml@refs/heads/main',
      ];
      const check = async () =>
        await run('verify', reference, '--allow-local-trust', '--project', 'shop', ...who);
      // Nobody serves now: verifying needs files only, and so does a token.
      expect(await check()).toContain('accepted');
      expect((await run('sigstore', 'token', '--as', 'gitlab', '--project', 'shop')).split('.')).toHaveLength(
        3,
      );
      expect((await serve()).url).toBe(first.url);
      await run('sign', reference, '--local', '--project', 'shop');
      expect((await check()).match(/✓ signature/g)).toHaveLength(4);
    } finally {
      await registry.stop();
    }
  });
});
