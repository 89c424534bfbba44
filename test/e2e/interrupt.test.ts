import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../wait-for.ts';

const program = join(import.meta.dirname, '../../dist/cg.js');
let folder: string;
let silent: Server;
let asked = 0;

// A registry that takes every request and never answers.
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cg-interrupt-'));
  asked = 0;
  silent = createServer(() => {
    asked++;
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
});

afterEach(() => {
  silent.closeAllConnections();
  silent.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(args: readonly string[]): {
  child: ChildProcess;
  ended: Promise<unknown[]>;
  stderr: () => string;
  stdout: () => string;
} {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, NO_COLOR: '1' },
  });
  let stderr = '';
  let stdout = '';
  child.stderr.on('data', chunk => (stderr += chunk));
  child.stdout.on('data', chunk => (stdout += chunk));
  return { child, ended: once(child, 'close'), stderr: () => stderr, stdout: () => stdout };
}

const silentHost = () => `127.0.0.1:${(silent.address() as AddressInfo).port}`;

describe('Ctrl-C', () => {
  it('ends a waiting command with 130, says how to go on, and leaves nothing behind', async () => {
    const { child, ended, stderr, stdout } = start(['copy', `${silentHost()}/a/b:1`, 'oci:./out']);
    await waitFor(() => asked > 0, 'the first request');
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(stderr()).toMatch(
      /error INTERRUPTED[^]*next {6}run the same command again; what was finished is not done twice/,
    );
    expect(stdout()).toBe('');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('pressed twice ends a server that waits for a running request at once', async () => {
    const { child, ended, stdout } = start([
      'registry',
      'serve',
      '--addr',
      '127.0.0.1:0',
      '--data',
      'data',
      '--ready-file',
      'ready.json',
    ]);
    await waitFor(() => existsSync(join(folder, 'ready.json')), 'the registry');
    const url = stdout().trim();
    const upload = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: 'POST' });
    const body = new ReadableStream({ start: controller => controller.enqueue(new Uint8Array(10)) });
    const running = fetch(new URL(upload.headers.get('location') ?? '', url), {
      method: 'PATCH',
      body,
      duplex: 'half',
    }).catch(() => undefined);
    await new Promise(resolve => {
      setTimeout(resolve, 200);
    });
    child.kill('SIGINT');
    const first = await Promise.race([
      ended,
      new Promise(resolve => {
        setTimeout(resolve, 300, 'still waiting');
      }),
    ]);
    expect(first).toBe('still waiting');
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    await running;
  });

  it('ends an idle server cleanly with 0', async () => {
    const { child, ended } = start([
      'registry',
      'serve',
      '--addr',
      '127.0.0.1:0',
      '--data',
      'data',
      '--ready-file',
      'ready.json',
    ]);
    await waitFor(() => existsSync(join(folder, 'ready.json')), 'the registry');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(existsSync(join(folder, 'ready.json'))).toBe(false);
  });
});

describe('a reader that goes away', () => {
  it('does not change the exit code', async () => {
    const shell = spawn(
      'bash',
      ['-c', `set -o pipefail; "${process.execPath}" "${program}" --help | true; echo "$?"`],
      { env: { PATH: process.env.PATH, HOME: folder } },
    );
    let output = '';
    shell.stdout.on('data', chunk => (output += chunk));
    await once(shell, 'close');
    expect(output).toBe('0\n');
  });
});

describe('a server of ours', () => {
  it('ends tidily when its terminal goes, and opens no debugger for a signal', async () => {
    const { child, ended, stderr } = start([
      'registry',
      'serve',
      '--addr',
      '127.0.0.1:0',
      '--data',
      'data',
      '--ready-file',
      'ready.json',
    ]);
    await waitFor(() => existsSync(join(folder, 'ready.json')), 'the registry');
    child.kill('SIGUSR1');
    const { url } = JSON.parse(readFileSync(join(folder, 'ready.json'), 'utf8')) as { url: string };
    // Whatever the signal did is done once a request was answered.
    expect((await fetch(`${url}/v2/`)).status).toBe(200);
    expect(stderr()).not.toMatch(/debugger/i);
    child.kill('SIGHUP');
    const [code, signal] = await ended;
    expect([code, signal]).toEqual([0, null]);
    expect(existsSync(join(folder, 'ready.json'))).toBe(false);
  });
});
