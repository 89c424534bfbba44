import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer } from '../peers.ts';
import type { ConsoleStep } from './console-block.ts';

export interface StepResult {
  readonly step: ConsoleStep;
  readonly exit: number | undefined;
  readonly printed: readonly string[];
}

/** Under whatever name it is here. */
export function findKustomize(): string | undefined {
  return ['kustomize', 'kustomize58', 'kustomize56'].map(findPeer).find(found => found !== undefined);
}

const root = join(import.meta.dirname, '../..');

/**
 * Types a document's commands into one shell, in an empty folder with an empty home and `cg` on the PATH.
 * Port 5000 of the documents becomes a free one, so that documents run beside each other and beside a real registry.
 */
export async function runDocument(steps: readonly ConsoleStep[]): Promise<readonly StepResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-docs-'));
  const port = String(await freePort());
  const results: StepResult[] = [];
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'work'));
  symlinkSync(join(root, 'dist/cg.js'), join(folder, 'bin/cg'));
  const kustomize = findKustomize();
  if (kustomize !== undefined) symlinkSync(kustomize, join(folder, 'bin/kustomize'));
  const shell = spawn('bash', ['--norc', '--noprofile'], {
    cwd: join(folder, 'work'),
    env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder, LANG: 'C.UTF-8', NO_COLOR: '1' },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  try {
    const output = readOutput(shell);
    shell.stdin.write('exec 2>&1\n');
    for (const step of steps) {
      const command = step.command.replaceAll('127.0.0.1:5000', `127.0.0.1:${port}`);
      shell.stdin.write(`${command}\nprintf '\\n@end %s\\n' $?\n`);
      const { text, exit } = await output.untilMark(60_000);
      const printed = text.replaceAll(`127.0.0.1:${port}`, '127.0.0.1:5000').replace(/\n+$/, '');
      results.push({ step, exit, printed: printed === '' ? [] : printed.split('\n') });
      if (exit === undefined) break;
    }
    return results;
  } finally {
    // The shell leads its own group: servers that the document started end with it.
    if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function readOutput(shell: ReturnType<typeof spawn>): {
  untilMark(limit: number): Promise<{ text: string; exit: number | undefined }>;
} {
  let buffer = '';
  let wake = () => {};
  for (const stream of [shell.stdout, shell.stderr]) {
    stream?.on('data', chunk => {
      buffer += chunk;
      wake();
    });
  }
  return {
    async untilMark(limit) {
      const deadline = Date.now() + limit;
      for (;;) {
        const mark = /\n?@end (\d+)\n/.exec(buffer);
        if (mark) {
          const text = buffer.slice(0, mark.index);
          buffer = buffer.slice(mark.index + mark[0].length);
          return { text, exit: Number(mark[1]) };
        }
        const left = deadline - Date.now();
        if (left <= 0) return { text: buffer, exit: undefined };
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
