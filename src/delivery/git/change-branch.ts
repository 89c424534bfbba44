import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../ground/fault/fault.ts';
import { type Author, checkBranch, checkRemote, Git, type GitOptions, gitFault, redactUrls } from './git.ts';
import { Snapshot } from './snapshot.ts';
import { withToken } from './with-token.ts';

/** What a change makes of the branch as it is now; nothing when it is there already. */
export interface PlannedCommit {
  readonly files: ReadonlyMap<string, string>;
  readonly message: string;
}

export interface BranchChange extends GitOptions {
  readonly remote: string;
  readonly branch: string;
  readonly author: Author;
  /** Pure in what it reads: it is asked again on every new head. */
  readonly plan: (head: Snapshot) => Promise<PlannedCommit | undefined>;
  readonly onRetry?: (attempt: number, reason: string) => void;
  /** For plans that look back; without it only the head is fetched. */
  readonly wholeHistory?: boolean;
  /** Seconds since 1970, for tests; the time of the clock without it. */
  readonly at?: number;
}

export interface BranchChanged {
  /** The head afterwards: the new commit, or the one that needed no change. */
  readonly commit: string;
  readonly pushed: boolean;
  readonly attempts: number;
}

const mostAttempts = 40;
const deadline = 5 * 60_000;

/**
 * Changes a branch so that any number of writers at once lose nothing: the edit is made anew on every head that
 * somebody else pushed in between. It is never rebased or merged, which on neighbouring lines loses edits.
 */
export async function changeBranch(change: BranchChange): Promise<BranchChanged> {
  return await withRepository(change, async git => {
    const started = Date.now();
    for (let attempt = 1; ; attempt++) {
      const head = await fetchHead(git, change);
      const planned = await change.plan(new Snapshot(git, head));
      if (planned === undefined) return { commit: head, pushed: false, attempts: attempt };
      const commit = await writeCommit(git, head, planned, change);
      const reason = await push(git, commit, change.branch);
      if (reason === undefined) return { commit, pushed: true, attempts: attempt };
      if (attempt >= mostAttempts || Date.now() - started > deadline)
        throw exhausted(change, attempt, reason);
      change.onRetry?.(attempt, reason);
      await sleep(waitFor(attempt), undefined, change.signal === undefined ? {} : { signal: change.signal });
    }
  });
}

/** Reads a branch without changing it; `depth` 1 is its head alone. */
export async function readBranch<T>(
  o: Pick<BranchChange, 'remote' | 'branch' | 'env' | 'signal' | 'wholeHistory'>,
  read: (head: Snapshot) => Promise<T>,
): Promise<T> {
  return await withRepository(o, async git => await read(new Snapshot(git, await fetchHead(git, o))));
}

async function withRepository<T>(
  o: Pick<BranchChange, 'remote' | 'env' | 'signal'>,
  work: (git: Git) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-git-'));
  try {
    const { remote, env } = withToken(checkRemote(o.remote), o.env);
    const git = new Git(folder, { ...o, env, isBare: true });
    await git.run(['init', '--quiet', '--bare']);
    await git.run(['remote', 'add', 'origin', '--', remote]);
    return await work(git);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchHead(
  git: Git,
  { branch, remote, wholeHistory }: { branch: string; remote: string; wholeHistory?: boolean },
): Promise<string> {
  const depth = wholeHistory === true ? [] : ['--depth', '1'];
  const args = [
    'fetch',
    '--quiet',
    '--no-tags',
    ...depth,
    'origin',
    `+refs/heads/${checkBranch(branch)}:refs/cg/head`,
  ];
  const finished = await git.try(args);
  if (finished.code === 0) return await git.text(['rev-parse', '--verify', 'refs/cg/head']);
  const told = finished.stderr.toString('utf8');
  if (/couldn't find remote ref|find remote ref/i.test(told)) {
    throw new Fault('GIT_FAILED', {
      what: `${redactUrls(remote)} has no branch ${branch}`,
      where: redactUrls(remote),
      next: 'name the branch with --branch, or push a first commit',
    });
  }
  throw gitFault(args, finished);
}

async function writeCommit(git: Git, head: string, planned: PlannedCommit, o: BranchChange): Promise<string> {
  const env = { GIT_INDEX_FILE: join(git.folder, 'index') };
  await git.run(['read-tree', head], { env });
  for (const [path, content] of planned.files) {
    const blob = await git.text(['hash-object', '-w', '--stdin'], { input: content });
    const mode = (await git.text(['ls-tree', '--format=%(objectmode)', head, '--', path])) || '100644';
    await git.run(['update-index', '--add', '--cacheinfo', `${mode},${blob},${path}`], { env });
  }
  const tree = await git.text(['write-tree'], { env });
  const { name, email } = o.author;
  const date =
    o.at === undefined ? {} : { GIT_AUTHOR_DATE: `${o.at} +0000`, GIT_COMMITTER_DATE: `${o.at} +0000` };
  return await git.text(['commit-tree', tree, '-p', head, '-F', '-'], {
    input: planned.message,
    env: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      ...date,
    },
  });
}

/** Undefined when it was taken, the reason when somebody else was first; everything else throws. */
async function push(git: Git, commit: string, branch: string): Promise<string | undefined> {
  const args = ['push', '--quiet', 'origin', `${commit}:refs/heads/${branch}`];
  const finished = await git.try(args);
  if (finished.code === 0) return undefined;
  const told = finished.stderr.toString('utf8');
  const reason = retryable.exec(told)?.[0];
  if (reason !== undefined && !final.test(told)) return reason;
  throw gitFault(args, finished);
}

/** What the servers of this world say when another push came first, or when they are only unwell. */
const retryable =
  /fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|incorrect old value provided|reference already exists|The requested URL returned error: 5\d\d|connection reset/i;
const final = /The requested URL returned error: 40[13]|protected branch|hook declined|GH006|GH013/i;

function waitFor(attempt: number): number {
  return Math.random() * Math.min(5000, 50 * 2 ** Math.min(attempt, 7));
}

function exhausted({ remote, branch }: BranchChange, attempts: number, reason: string): Fault {
  return new Fault('GIT_FAILED', {
    what: `${branch} of ${redactUrls(remote)} moved under every one of ${attempts} attempts`,
    where: redactUrls(remote),
    actual: reason,
    next: 'run the command again; nothing was lost',
  });
}
