import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { RegistryOptions } from '../src/image/oci/server/options.ts';

export interface RegistryProcess {
  readonly url: string;
  readonly pid: number;
  /** Ends it without a chance to tidy up; the data folder stays. */
  kill(): Promise<void>;
  /** Starts a garbage collection and does not wait for it. */
  collect(): void;
  /** Kills it and removes the data folder, unless the caller gave one. */
  stop(): Promise<void>;
}

type ProcessOptions = Partial<Omit<RegistryOptions, 'clock' | 'accessLog' | 'onProblem'>>;

/** Our registry in a process of its own, bundled as it is shipped. */
export async function startRegistryProcess(o: ProcessOptions = {}): Promise<RegistryProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-registry-process-'));
  const program = await bundle();
  const options: RegistryOptions = { data: join(folder, 'data'), ...o };
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    url: await firstMessage(child),
    pid: child.pid ?? -1,
    kill,
    // A process that is being killed no longer listens.
    collect: () => void (child.connected && child.send('collect', () => undefined)),
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let bundled: Promise<string> | undefined;

function bundle(): Promise<string> {
  return (bundled ??= bundleOnce());
}

async function bundleOnce(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-registry-program-'));
  process.once('exit', () => void rm(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'registry.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'registry-program.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}

function firstMessage(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('message', message => resolve(typeof message === 'string' ? message : ''));
    child.once('exit', code => reject(new Error(`the registry ended with ${code}`)));
  });
}
