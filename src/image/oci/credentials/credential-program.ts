import { Fault } from '../../../ground/fault/fault.ts';
import type { Environment } from '../../../ground/http/proxy.ts';
import { type Finished, run } from '../../../ground/process/run.ts';
import type { Credential } from './credential.ts';

const timeLimit = 10_000;
/** What the username is when the secret is an identity token. */
const tokenUser = '<token>';

/** Asks `docker-credential-NAME` for the credentials of a server (the protocol of docker/docker-credential-helpers). */
export async function getFromHelper(
  name: string,
  server: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<Credential | undefined> {
  const finished = await call(name, 'get', server, env, signal);
  if (finished.code !== 0) {
    const said = `${finished.stdout.toString('utf8')} ${finished.stderr.toString('utf8')}`;
    // Having none is an answer, not a failure.
    if (/credentials not found|no credentials server URL|no credentials username/i.test(said))
      return undefined;
    throw failed(name, 'get', `exit code ${finished.code}`);
  }
  const answer = parseAnswer(name, finished.stdout);
  const source = `credential helper docker-credential-${name}`;
  if (answer.Secret === '') return undefined;
  return answer.Username === tokenUser
    ? { kind: 'identity', token: answer.Secret, source }
    : { kind: 'password', username: answer.Username, password: answer.Secret, source };
}

export async function storeInHelper(
  name: string,
  entry: { readonly server: string; readonly username: string; readonly secret: string },
  env: Environment,
  signal?: AbortSignal,
): Promise<void> {
  const input = JSON.stringify({ ServerURL: entry.server, Username: entry.username, Secret: entry.secret });
  const finished = await call(name, 'store', input, env, signal);
  if (finished.code !== 0) throw failed(name, 'store', `exit code ${finished.code}`);
}

export async function eraseFromHelper(
  name: string,
  server: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<void> {
  const finished = await call(name, 'erase', server, env, signal);
  const said = `${finished.stdout.toString('utf8')} ${finished.stderr.toString('utf8')}`;
  if (finished.code !== 0 && !/not found/i.test(said))
    throw failed(name, 'erase', `exit code ${finished.code}`);
}

async function call(
  name: string,
  verb: string,
  input: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<Finished> {
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(name)) throw failed(name, verb, 'its name is not a program name');
  try {
    return await run({
      program: `docker-credential-${name}`,
      args: [verb],
      // Helpers talk to keychains and clouds, which need their own variables.
      env,
      input,
      timeLimit,
      outputLimit: 1024 * 1024,
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    if (error instanceof Fault) throw failed(name, verb, error.message, error);
    throw error;
  }
}

function parseAnswer(name: string, output: Buffer): { Username: string; Secret: string } {
  let value: unknown;
  try {
    value = JSON.parse(output.toString('utf8'));
  } catch {
    // No cause: the parser's message quotes what may be a secret.
    throw failed(name, 'get', 'its answer is not JSON');
  }
  const { Username, Secret } = (value ?? {}) as Record<string, unknown>;
  if (typeof Username !== 'string' || typeof Secret !== 'string')
    throw failed(name, 'get', 'its answer lacks Username or Secret');
  return { Username, Secret };
}

function failed(name: string, verb: string, reason: string, cause?: unknown): Fault {
  return new Fault('CREDENTIALS_INVALID', {
    what: `the credential helper docker-credential-${name.slice(0, 100)} failed to ${verb}: ${reason}`,
    next: `run docker-credential-${name.slice(0, 100)} list by hand, or remove it from config.json`,
    ...(cause !== undefined && { cause }),
  });
}
