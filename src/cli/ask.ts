import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Asks a person on the terminal. A hidden answer is not echoed. Ctrl-C rejects with the reason of the signal. */
export function askOnTerminal(
  question: string,
  o: { readonly hidden: boolean },
  signal: AbortSignal,
): Promise<string> {
  const muted = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: o.hidden ? muted : process.stderr,
    terminal: true,
  });
  if (o.hidden) process.stderr.write(question);
  return new Promise((resolve, reject) => {
    const leave = () => {
      if (!o.hidden) process.stderr.write('\n');
      lines.close();
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    // In raw mode the terminal does not turn Ctrl-C into a signal.
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    lines.on('close', () => {
      if (o.hidden) process.stderr.write('\n');
    });
    lines.question(o.hidden ? '' : question, answer => {
      signal.removeEventListener('abort', leave);
      lines.close();
      resolve(answer);
    });
  });
}
