import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../ground/fault/fault.ts';
import { type Author, checkBranch, checkRemote, Git, type GitOptions } from './git.ts';
import { gitFault, redactUrls, wordsOf } from './git-fault.ts';
import { Snapshot } from './snapshot.ts';
import { withTemporaryFolder } from './temporary-folder.ts';
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
  readonly onRetry?: (attempt: number, refused: RefusedPush) => void;
  /** For plans that look back; without it only the head is fetched. */
  readonly wholeHistory?: boolean;
  /** Seconds since 1970, for tests; the time of the clock without it. */
  readonly at?: number;
}

/** A push that may succeed when it is made anew. */
export interface RefusedPush {
  /** What Git said. */
  readonly told: string;
  /** The remote has a lock on the branch: for an instant while somebody writes, or for ever after a crash. */
  readonly isLocked: boolean;
}

export interface BranchChanged {
  /** The head afterwards: the new commit, or the one that needed no change. */
  readonly commit: string;
  readonly pushed: boolean;
  readonly attempts: number;
}

const mostAttempts = 40;
/** At a head that does not move; with the waits between them about four seconds. */
const mostLocked = 5;
const deadline = 5 * 60_000;

/**
 * Changes a branch so that any number of writers at once lose nothing: the edit is made anew on every head that
 * somebody else pushed in between. It is never rebased or merged, which on neighbouring lines loses edits.
 */
export async function changeBranch(change: BranchChange): Promise<BranchChanged> {
  return await withRepository(change, async git => {
    const started = Date.now();
    let [locked, before] = [0, ''];
    for (let attempt = 1; ; attempt++) {
      const head = await fetchHead(git, change);
      // Where somebody else gets through, the lock is that of a living writer.
      if (head !== before) locked = 0;
      before = head;
      const planned = await change.plan(new Snapshot(git, head));
      if (planned === undefined) return { commit: head, pushed: false, attempts: attempt };
      const commit = await writeCommit(git, head, planned, change);
      const refused = await push(git, commit, change);
      if (refused === undefined) return { commit, pushed: true, attempts: attempt };
      if (refused.isLocked && ++locked >= mostLocked) throw lockedFault(change, locked, refused.told);
      if (attempt >= mostAttempts || Date.now() - started > deadline)
        throw exhausted(change, attempt, refused.told);
      change.onRetry?.(attempt, refused);
      const wait = refused.isLocked ? 125 * 2 ** locked : waitFor(attempt);
      await sleep(wait, undefined, change.signal === undefined ? {} : { signal: change.signal });
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
  return await withTemporaryFolder(async folder => {
    const { remote, env } = withToken(checkRemote(o.remote), o.env);
    const git = new Git(folder, { ...o, env, isBare: true });
    await git.run(['init', '--quiet', '--bare']);
    await git.run(['remote', 'add', 'origin', '--', remote]);
    return await work(git);
  });
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
  throw gitFault(args, finished, remote);
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
async function push(
  git: Git,
  commit: string,
  { branch, remote }: Pick<BranchChange, 'branch' | 'remote'>,
): Promise<RefusedPush | undefined> {
  const args = ['push', '--quiet', 'origin', `${commit}:refs/heads/${branch}`];
  const finished = await git.try(args);
  if (finished.code === 0) return undefined;
  const told = finished.stderr.toString('utf8');
  const reason = retryable.exec(told)?.[0];
  if (reason !== undefined && !final.test(told))
    return isLock.test(told) ? { told: wordsOf(told), isLocked: true } : { told: reason, isLocked: false };
  throw gitFault(args, finished, remote);
}

/** What the servers of this world say when another push came first, or when they are only unwell. */
const retryable =
  /fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|incorrect old value provided|reference already exists|The requested URL returned error: 5\d\d|connection reset/i;
const final =
  /The requested URL returned error: 40[13]|protected branch|hook declined|GH006|GH013|no space left|disk quota/i;
const isLock = /cannot lock ref[^\n]*(?:File exists|Unable to create)/i;

function waitFor(attempt: number): number {
  return Math.random() * Math.min(5000, 50 * 2 ** Math.min(attempt, 7));
}

function lockedFault({ remote, branch }: BranchChange, attempts: number, told: string): Fault {
  const place = redactUrls(remote);
  return new Fault('GIT_FAILED', {
    what: `${branch} of ${place} is locked at the remote, and was for all of ${attempts} attempts`,
    where: place,
    expected: 'a branch that nobody is writing; a lock that stays is what a push that crashed left behind',
    actual: told.slice(0, 500),
    next: `when no push is under way there, remove refs/heads/${branch}.lock in the repository of the remote, then run the same command again; nothing was pushed`,
  });
}

function exhausted({ remote, branch }: BranchChange, attempts: number, reason: string): Fault {
  return new Fault('GIT_FAILED', {
    what: `${branch} of ${redactUrls(remote)} moved under every one of ${attempts} attempts`,
    where: redactUrls(remote),
    actual: reason,
    next: 'run the command again; nothing was lost',
  });
}
