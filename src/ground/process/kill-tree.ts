import { type ChildProcess, spawn } from 'node:child_process';

/** Ends a child that was started detached, with everything that it started. */
export function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' }).on('error', () =>
      child.kill(),
    );
    return;
  }
  try {
    // A negative id means the process group (kill(2)).
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
