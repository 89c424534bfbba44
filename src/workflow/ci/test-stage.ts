import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { run } from '../../ground/process/run.ts';
import { checkContext } from '../build-image.ts';
import type { FleetPlace } from '../images/fleet-place.ts';
import { readFleet, selectImages } from '../images/read-fleet.ts';
import { placeOf } from './plan/build-inputs.ts';
import { refuseSigningCredentials, withoutCredentials } from './stage-credentials.ts';

export interface TestStage extends FleetPlace {
  readonly image: string;
  /** Milliseconds. */
  readonly timeLimit: number;
  readonly onOutput: (text: string) => void;
}

export interface TestedImage {
  readonly image: string;
  /** `none`: there is no test, and nothing passed. */
  readonly status: 'passed' | 'failed' | 'none';
  readonly command?: readonly string[];
  readonly reason?: string;
}

/** Where a project keeps its one test, when it does not name another. */
const hookFile = '.cascadeguard/hooks/test';

/** Runs the user's own test of an image, in the folder of its context. It is code of others like a Dockerfile. */
export async function testStage(o: TestStage): Promise<TestedImage> {
  refuseSigningCredentials('test', o.env);
  const fleet = await readFleet(o);
  const [image] = selectImages(fleet, [o.image]);
  if (image === undefined) throw new Fault('BUG', { what: 'no image was chosen' });
  const { context } = placeOf(fleet, image);
  const command = image.test ?? (await findHook(fleet.root));
  if (command === undefined) return { image: image.name, status: 'none' };
  await checkContext(context);
  const limit = AbortSignal.timeout(o.timeLimit);
  const env = { ...withoutCredentials(o.env, fleet.project.ci?.testEnv), CG_IMAGE: image.name };
  const ended = await runTest(command, context, env, o, limit);
  return { image: image.name, command, ...ended };
}

async function findHook(root: string): Promise<readonly string[] | undefined> {
  const path = join(root, hookFile);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  if ((found.mode & 0o111) !== 0) return [path];
  throw new Fault('FILE_INVALID', {
    what: 'the test of the project is no program',
    where: hookFile,
    expected: 'an executable file',
    next: `git update-index --chmod=+x ${hookFile}`,
  });
}

async function runTest(
  [program = '', ...args]: readonly string[],
  cwd: string,
  env: TestStage['env'],
  o: TestStage,
  limit: AbortSignal,
): Promise<Pick<TestedImage, 'status' | 'reason'>> {
  try {
    const { code } = await run({
      program,
      args,
      cwd,
      env,
      // The signal ends it earlier, and is told apart from a program that is missing.
      timeLimit: o.timeLimit + 60_000,
      onStdout: decodeTo(o.onOutput),
      onStderr: decodeTo(o.onOutput),
      signal: AbortSignal.any([limit, ...(o.signal === undefined ? [] : [o.signal])]),
    });
    if (code === 0) return { status: 'passed' };
    return { status: 'failed', reason: code === undefined ? 'a signal ended it' : `exit code ${code}` };
  } catch (error) {
    o.signal?.throwIfAborted();
    if (!limit.aborted) throw error;
    return { status: 'failed', reason: `it did not finish within ${o.timeLimit / 1000} s` };
  }
}

/** A character that is cut between two pieces waits for its rest. */
function decodeTo(take: (text: string) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  return chunk => take(decoder.decode(chunk, { stream: true }));
}
