import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from './http-call.ts';

export interface DockerRegistry {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Runs the reference registry on a folder of its own. */
export async function startDockerRegistry(program: string): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-docker-registry-'));
  const port = await freePort();
  const config = join(folder, 'config.yml');
  await writeFile(
    config,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      'storage:',
      '  cache: { blobdescriptor: inmemory }',
      `  filesystem: { rootdirectory: ${folder}/data }`,
      '  delete: { enabled: true }',
      `http: { addr: "127.0.0.1:${port}" }`,
    ].join('\n'),
  );
  const child = spawn(program, ['serve', config], { stdio: 'ignore', env: { PATH: '', HOME: folder } });
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, pid: child.pid ?? -1, stop };
}

async function waitUntilReady(url: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const isReady = await call(url, 'GET', '/v2/').then(
      answer => answer.status === 200,
      () => false,
    );
    if (isReady) return;
    if (Date.now() > deadline) throw new Error(`nothing answers at ${url}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** A port that was free a moment ago; for programs that cannot be told to choose one and say which. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>(resolve => server.close(() => resolve()));
  return typeof address === 'object' && address ? address.port : 0;
}
