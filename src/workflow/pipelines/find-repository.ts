import { Git } from '../../delivery/git/git.ts';
import {
  type ForgeRepository,
  parseRepositoryUrl,
  platformOf,
} from '../../delivery/pipeline/signing-identity.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { redactUrl } from '../../ground/http/redact-url.ts';

export interface RepositoryChoice {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly repository?: string;
  readonly remote: string;
  readonly signal?: AbortSignal;
}

/** The repository on its forge: as it is named, as CI says, or as the remote of this folder. */
export async function findRepository(o: RepositoryChoice): Promise<ForgeRepository | undefined> {
  if (o.repository !== undefined) {
    const parsed = parseRepositoryUrl(o.repository);
    if (parsed !== undefined) return refusePrivate(parsed);
    throw new Fault('USAGE', {
      what: 'the repository cannot be read',
      expected: '--repository https://github.com/OWNER/NAME, or the same with git@…',
      actual: redactUrl(o.repository).slice(0, 200),
    });
  }
  const inCi = urlOfCi(o.env);
  const parsed = parseRepositoryUrl(inCi ?? (await remoteUrl(o)));
  return parsed === undefined || inCi === undefined ? parsed : refusePrivate(parsed);
}

function urlOfCi(env: RepositoryChoice['env']): string | undefined {
  if (env['GITHUB_REPOSITORY'])
    return `${env['GITHUB_SERVER_URL'] || 'https://github.com'}/${env['GITHUB_REPOSITORY']}`;
  return env['CI_PROJECT_URL'] || undefined;
}

async function remoteUrl({ cwd, env, remote, signal }: RepositoryChoice): Promise<string> {
  const git = new Git(cwd, { env, ...(signal !== undefined && { signal }) });
  const finished = await git.try(['config', '--get', `remote.${remote}.url`]).catch(() => undefined);
  return finished?.code === 0 ? finished.stdout.toString('utf8').trim() : '';
}

/** Better no pipeline than one whose last job can never sign. */
function refusePrivate(repository: ForgeRepository): ForgeRepository {
  if (platformOf(repository) !== undefined) return repository;
  throw new Fault('PIPELINE_UNSUPPORTED', {
    what: `the public Sigstore gives no certificates to jobs on ${repository.host}`,
    where: repository.host,
    expected: 'github.com or gitlab.com',
    next:
      'run a Sigstore of your own (cg ci sign --fulcio-url … --rekor-url … --trusted-root …) or sign with a key (--key); ' +
      'pipelines with these are written by hand for now',
  });
}
