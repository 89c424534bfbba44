import { Fault } from '../../ground/fault/fault.ts';
import type { Git } from './git.ts';

/** A commit and the files in it, read from Git itself: no link of the repository leads anywhere. */
export class Snapshot {
  readonly commit: string;
  readonly #git: Git;

  constructor(git: Git, commit: string) {
    this.#git = git;
    this.commit = commit;
  }

  /** Undefined when there is no such file. */
  async read(path: string, commit = this.commit): Promise<string | undefined> {
    const { code, stdout } = await this.#git.try(['cat-file', 'blob', `${commit}:${checkPath(path)}`]);
    return code === 0 ? stdout.toString('utf8') : undefined;
  }

  /** A file as it was in each of the commits, by one process; undefined where it was not. */
  async readVersions(path: string, commits: readonly string[]): Promise<readonly (string | undefined)[]> {
    const input = commits.map(commit => `${commit}:${checkPath(path)}\n`).join('');
    const answer = await this.#git.run(['cat-file', '--batch'], { input });
    let at = 0;
    return commits.map(() => {
      const end = answer.indexOf(0x0a, at);
      const [, type, size] = answer.toString('utf8', at, end).split(' ');
      at = end + 1;
      if (size === undefined || type === undefined || !/^\d+$/.test(size)) return undefined;
      const content = answer.subarray(at, at + Number(size));
      at += content.length + 1;
      return type === 'blob' ? content.toString('utf8') : undefined;
    });
  }

  /** Paths of all files below a folder. */
  async list(folder: string): Promise<readonly string[]> {
    const text = (
      await this.#git.run([
        'ls-tree',
        '-r',
        '-z',
        '--name-only',
        this.commit,
        '--',
        ...(folder === '' ? [] : [checkPath(folder)]),
      ])
    ).toString('utf8');
    return text.split('\0').filter(path => path !== '');
  }

  /** The commits that changed a path, newest first; of a whole history only. */
  async history(path: string, most: number): Promise<readonly PastCommit[]> {
    const format = '%H%x00%ct%x00%B%x00%x01';
    const text = await this.#git.text([
      'log',
      `--max-count=${most}`,
      `--format=${format}`,
      this.commit,
      '--',
      checkPath(path),
    ]);
    return text.split('\u0001').flatMap(record => {
      const [commit, time, message] = record.trim().split('\0');
      return commit === undefined || time === undefined || commit === ''
        ? []
        : [{ commit, time: Number(time), message: message ?? '' }];
    });
  }

  /** Writes all files into a folder; links become plain files, so that none leads out of it. */
  async checkOut(folder: string): Promise<void> {
    const { folder: repository } = this.#git;
    const env = { GIT_INDEX_FILE: `${repository}/render-index`, GIT_DIR: repository, GIT_WORK_TREE: folder };
    await this.#git.run(['read-tree', this.commit], { env });
    await this.#git.run(
      ['-c', 'core.bare=false', '-c', 'core.symlinks=false', 'checkout-index', '--all', '--force'],
      { env },
    );
  }
}

export interface PastCommit {
  readonly commit: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly message: string;
}

function checkPath(path: string): string {
  const isInside =
    !path.startsWith('/') && !path.split('/').includes('..') && !/[\0\n]/.test(path) && path !== '';
  if (isInside) return path;
  throw new Fault('USAGE', { what: `"${path.slice(0, 100)}" is no path inside of the repository` });
}
