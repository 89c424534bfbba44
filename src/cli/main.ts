#!/usr/bin/env node
import { exitCodes } from '../ground/fault/exit-codes.ts';
import { systemClock } from '../model/clock.ts';
import { run } from './run.ts';

const interrupt = new AbortController();

/** The first signal lets the command end cleanly; the second one ends it at once. */
function onSignal(signal: NodeJS.Signals): void {
  if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
  interrupt.abort(new DOMException(`stopped by ${signal}`, 'AbortError'));
  if (process.stderr.isTTY) process.stderr.write('\nstopping; press Ctrl-C again to stop at once\n');
}
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
// A terminal that is closed ends what runs in it, tidily.
process.on('SIGHUP', onSignal);
// Node would open its debugger for whoever may send a signal; a server that holds keys has none.
process.on('SIGUSR1', () => undefined);

// A reader that went away (`cg … | head`) must not turn a verdict into another exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const code = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock,
  signal: interrupt.signal,
  get stdin() {
    return process.stdin;
  },
  ask: async (question, o) => (await import('./ask.ts')).askOnTerminal(question, o, interrupt.signal),
  stdout: process.stdout,
  stderr: process.stderr,
});
process.exitCode = code;
// Nothing may keep the process alive once the answer is out: idle connections, timers, an open stdin.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
