import { Fault } from '../../ground/fault/fault.ts';
import { pickEnvironment } from '../../ground/process/environment.ts';
import { type Finished, run } from '../../ground/process/run.ts';
import { gitFault } from './git-fault.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Author {
  readonly name: string;
  readonly email: string;
}

export interface GitOptions {
  readonly env: Environment;
  readonly signal?: AbortSignal;
  /** The folder is a bare repository of ours. One that Git would find by itself is never used: see below. */
  readonly isBare?: boolean;
}

/**
 * Files that anybody can commit make a folder look like a bare repository, whose configuration names programs to run.
 * So Git opens only repositories with a folder .git, which cannot be committed, and those that we name.
 */
const guards = [
  'safe.bareRepository=explicit',
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'protocol.ext.allow=never',
  'gc.auto=0',
].flatMap(setting => ['-c', setting]);

/** What Git needs to reach a remote as the user does. */
const passedOn = [
  'SSH_AUTH_SOCK',
  'GIT_SSH_COMMAND',
  'GIT_ASKPASS',
  'SSH_ASKPASS',
  'GIT_CONFIG_COUNT',
  'GIT_CONFIG_GLOBAL',
  'GIT_SSL_CAINFO',
  'XDG_CONFIG_HOME',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'https_proxy',
  'http_proxy',
  'no_proxy',
];

const longestCommand = 5 * 60_000;

/** One Git repository on disk. Nothing of a user's repository runs: no hooks, no pager, no questions. */
export class Git {
  readonly folder: string;
  readonly #o: GitOptions;

  constructor(folder: string, o: GitOptions) {
    this.folder = folder;
    this.#o = o;
  }

  /** The result whatever the exit code. */
  async try(
    args: readonly string[],
    o: { input?: string | Uint8Array; env?: Environment } = {},
  ): Promise<Finished> {
    const numbered = Object.keys(this.#o.env).filter(name => /^GIT_CONFIG_(?:KEY|VALUE)_\d{1,3}$/.test(name));
    return await run({
      program: 'git',
      args: [...guards, ...args],
      cwd: this.folder,
      env: {
        ...pickEnvironment(this.#o.env, ...passedOn, ...numbered),
        // Messages are compared, and nobody is there to answer a question.
        LC_ALL: 'C',
        GIT_TERMINAL_PROMPT: '0',
        ...(this.#o.isBare === true && { GIT_DIR: this.folder }),
        ...o.env,
      },
      timeLimit: longestCommand,
      ...(o.input !== undefined && { input: o.input }),
      ...(this.#o.signal !== undefined && { signal: this.#o.signal }),
    });
  }

  /** Standard output; anything but success throws. */
  async run(
    args: readonly string[],
    o: { input?: string | Uint8Array; env?: Environment } = {},
  ): Promise<Buffer> {
    const finished = await this.try(args, o);
    if (finished.code === 0) return finished.stdout;
    throw gitFault(args, finished);
  }

  async text(
    args: readonly string[],
    o: { input?: string | Uint8Array; env?: Environment } = {},
  ): Promise<string> {
    return (await this.run(args, o)).toString('utf8').trim();
  }
}

/** A remote as people type it: a URL, an scp-like address, or a folder; never an option of Git. */
export function checkRemote(text: string): string {
  if (text !== '' && !text.startsWith('-') && !/[\0\n]/.test(text) && !text.startsWith('ext::')) return text;
  throw new Fault('USAGE', {
    what: `"${text.slice(0, 100)}" is no Git repository`,
    expected: 'a URL, user@host:path, or a folder',
  });
}

export function checkBranch(text: string): string {
  if (/^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock$))[^\s~^:?*[\\\p{Cc}]{1,200}(?<![/.])$/u.test(text))
    return text;
  throw new Fault('USAGE', { what: `"${text.slice(0, 100)}" is no branch name` });
}
