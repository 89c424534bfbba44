import { Git } from '../../delivery/git/git.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { redactUrl } from '../../ground/http/redact-url.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Call = { readonly signal?: AbortSignal };

/** Where the context comes from; only what is known for certain: a work tree with changes is no commit. */
export async function readSource(
  context: string,
  env: Environment,
  o: Call,
): Promise<{ readonly repository?: string; readonly commit?: string }> {
  const commit = await askGit(context, env, o, 'rev-parse', '--verify', '--quiet', 'HEAD');
  const changes = await askGit(context, env, o, 'status', '--porcelain', '--', '.');
  if (commit === undefined || changes === undefined || changes !== '') return {};
  const remote = await askGit(context, env, o, 'config', '--get', 'remote.origin.url');
  const repository = remote === undefined ? undefined : publicUrl(remote);
  return { commit, ...(repository !== undefined && { repository }) };
}

/** The remote as others can reach it; a folder of this machine says nothing to them. */
function publicUrl(remote: string): string | undefined {
  const [, host, path] = /^(?:[\w.-]+@)([\w.-]+):(?!\/\/)(.+)$/.exec(remote) ?? [];
  if (host !== undefined && path !== undefined) return `https://${host}/${path}`;
  return /^(?:https?|ssh):\/\//.test(remote) ? redactUrl(remote) : undefined;
}

/** The time of everything in the image: SOURCE_DATE_EPOCH, else that of the commit, else 1970. */
export async function readBuildEpoch(context: string, env: Environment, o: Call): Promise<number> {
  const given = env['SOURCE_DATE_EPOCH'];
  if (given !== undefined && given !== '') return readEpoch(given, 'SOURCE_DATE_EPOCH');
  const committed = await askGit(context, env, o, 'log', '-1', '--format=%ct');
  return committed !== undefined && /^\d+$/.test(committed) ? Number(committed) : 0;
}

export function readEpoch(text: string, name: string): number {
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new Fault('USAGE', {
    what: `${name} is no time`,
    expected: 'seconds since 1970',
    actual: text.slice(0, 100),
    next: `${name}=0`,
  });
}

async function askGit(
  cwd: string,
  env: Environment,
  o: Call,
  ...args: readonly string[]
): Promise<string | undefined> {
  try {
    const { code, stdout } = await new Git(cwd, { env, ...o }).try(args);
    return code === 0 ? stdout.toString('utf8').trim() : undefined;
  } catch {
    o.signal?.throwIfAborted();
    return undefined;
  }
}
