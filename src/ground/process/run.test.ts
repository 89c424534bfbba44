import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../test/faults.ts';
import { pickEnvironment } from './environment.ts';
import { type Command, run } from './run.ts';

/** Runs a piece of JavaScript in a Node of its own. */
function script(
  code: string,
  o: Partial<Command> = {},
): Promise<{ code: number | undefined; stdout: string; stderr: string }> {
  return run({ program: process.execPath, args: ['-e', code], env: {}, timeLimit: 20_000, ...o }).then(
    ({ code: exit, stdout, stderr }) => ({
      code: exit,
      stdout: stdout.toString(),
      stderr: stderr.toString(),
    }),
  );
}

describe('a program', () => {
  it('gets its input and gives its output, its errors and its exit code', async () => {
    const code =
      'process.stdin.on("data", d => process.stdout.write(String(d).toUpperCase())); process.stdin.on("end", () => { console.error("done"); process.exitCode = 3 })';
    expect(await script(code, { input: 'hello' })).toEqual({ code: 3, stdout: 'HELLO', stderr: 'done\n' });
  });

  it('gets arguments as they are, without a shell', async () => {
    const result = await run({
      program: process.execPath,
      args: ['-p', 'process.argv[1]', '$(touch /tmp/x); `id` && "a b"'],
      env: {},
      timeLimit: 20_000,
    });
    expect(result.stdout.toString()).toBe('$(touch /tmp/x); `id` && "a b"\n');
  });

  it('sees only the environment that it was given', async () => {
    const env = pickEnvironment(
      { PATH: '/bin', GITHUB_TOKEN: 'secret', DOCKER_HOST: 'unix:///x', HOME: undefined },
      'DOCKER_HOST',
    );
    expect(env).toEqual({ PATH: '/bin', DOCKER_HOST: 'unix:///x' });
    expect(
      JSON.parse((await script('process.stdout.write(JSON.stringify(process.env))', { env })).stdout),
    ).toEqual(env);
  });

  it('may ignore its input', async () => {
    expect((await script('process.exit(0)', { input: 'x'.repeat(5_000_000) })).code).toBe(0);
  });

  it('that writes without end is ended', async () => {
    const endless = 'for (;;) require("fs").writeSync(1, "x".repeat(65536))';
    expect((await faultOf(script(endless, { outputLimit: 1_000_000 }))).message).toContain(
      'wrote more than 1000000 bytes',
    );
  });

  it('keeps only the beginning of its errors', async () => {
    const result = await script('require("fs").writeSync(2, "x".repeat(3_000_000))');
    expect(result.stderr.length).toBeLessThanOrEqual(1024 * 1024);
  });

  it('that takes too long is ended with everything that it started', async () => {
    // The grandchild holds the pipe: only when it ends as well does the run end.
    const grandchild =
      'require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" }); setInterval(() => {}, 1000)';
    const fault = await faultOf(script(grandchild, { timeLimit: 500 }));
    expect([fault.code, fault.message]).toEqual([
      'TOOL_FAILED',
      expect.stringContaining('did not finish within 0.5 s'),
    ]);
  });

  it('is ended by a signal, before and during its run', async () => {
    await expect(script('', { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    const controller = new AbortController();
    const running = script('console.error("up"); setInterval(() => {}, 1000)', {
      signal: controller.signal,
      onStderr: () => controller.abort(new Error('during')),
    });
    await expect(running).rejects.toThrow('during');
  });

  it('that is not installed is said to be so', async () => {
    const fault = await faultOf(run({ program: 'cg-no-such-program', env: {}, timeLimit: 1000 }));
    expect(fault.message).toBe('cg-no-such-program is not installed');
  });
});
