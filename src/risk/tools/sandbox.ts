import { constants } from 'node:fs';
import { chmod, chown, copyFile, link, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Finished, run } from '../../ground/process/run.ts';
import { readRegularFile } from '../../ground/store/regular-file.ts';

/** Nobody; a child under another user cannot read the environment of its parent in /proc. */
const nobody = { uid: 65_534, gid: 65_534 } as const;
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** No file that a scanner writes may fill the disk. */
const largestWritten = 8 * 1024 * 1024 * 1024;
const largestOutput = 16 * 1024 * 1024;

export interface SandboxRun {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeLimit: number;
  readonly signal?: AbortSignal;
}

/**
 * Where a third-party program runs: an empty working folder, a home of its own, none of the caller's variables, no
 * network and another user wherever the system allows it. What it may read is brought in; what it writes goes away.
 */
export class Sandbox {
  readonly folder: string;
  readonly #program: string;
  readonly #prefix: readonly string[];

  private constructor(folder: string, program: string, prefix: readonly string[]) {
    this.folder = folder;
    this.#program = program;
    this.#prefix = prefix;
  }

  static async open(program: string, o: { readonly signal?: AbortSignal } = {}): Promise<Sandbox> {
    const folder = await mkdtemp(join(tmpdir(), 'cg-tool-'));
    try {
      await chmod(folder, 0o711);
      for (const name of ['work', 'home', 'tmp', 'out']) await makeOwn(join(folder, name));
      const here =
        isRoot() && !(await isOpenToAll(program)) ? await bring(program, join(folder, 'bin')) : program;
      return new Sandbox(folder, here, await findPrefix(o));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Where its reports go. */
  get out(): string {
    return join(this.folder, 'out');
  }

  /** Files of a folder, linked or copied to where the program may read them, and nothing else of it. */
  async bringFolder(from: string, to: string): Promise<string> {
    const target = join(this.folder, to);
    await mkdir(target, { recursive: true });
    for (const entry of await readdir(from, { withFileTypes: true })) {
      if (entry.isFile()) await bring(join(from, entry.name), target);
    }
    return target;
  }

  async bringFile(from: string): Promise<string> {
    return await bring(from, join(this.folder, 'in'));
  }

  async run({ args, env, timeLimit, signal }: SandboxRun): Promise<Finished> {
    const [program, ...before] = [...this.#prefix, this.#program];
    const usesUnshare = this.#prefix[0] === 'unshare';
    return await run({
      program,
      args: [...before, ...args],
      cwd: join(this.folder, 'work'),
      env: {
        PATH: path,
        HOME: join(this.folder, 'home'),
        TMPDIR: join(this.folder, 'tmp'),
        LANG: 'C.UTF-8',
        TZ: 'UTC',
        ...env,
      },
      timeLimit,
      outputLimit: largestOutput,
      ...(isRoot() && !usesUnshare && { user: nobody }),
      ...(signal !== undefined && { signal }),
    });
  }

  /** What it wrote under this name; undefined when nothing, or too much. */
  async read(name: string, limit: number): Promise<Buffer | undefined> {
    return await readRegularFile(join(this.out, name), limit).catch(() => undefined);
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function makeOwn(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  if (isRoot()) await chown(folder, nobody.uid, nobody.gid);
}

/** A link where the file may be read by all anyway; a copy, which costs nothing on some file systems, where not. */
async function bring(from: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const to = join(folder, basename(from));
  const { mode } = await stat(from);
  const canLink = (mode & 0o004) !== 0;
  const isLinked =
    canLink &&
    (await link(from, to).then(
      () => true,
      () => false,
    ));
  if (!isLinked) {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await chmod(to, (mode & 0o111) === 0 ? 0o444 : 0o555);
  }
  return to;
}

async function isOpenToAll(file: string): Promise<boolean> {
  if (((await stat(file)).mode & 0o005) !== 0o005) return false;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

let known: Promise<readonly string[]> | undefined;

/** What takes network and rights away here; found out once. */
async function findPrefix(o: { readonly signal?: AbortSignal }): Promise<readonly string[]> {
  known ??= tryPrefixes();
  o.signal?.throwIfAborted();
  return await known;
}

async function tryPrefixes(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const limit = ['prlimit', `--fsize=${largestWritten}`, '--core=0'];
  const apart = isRoot()
    ? ['unshare', '--net', '--setgid', String(nobody.gid), '--setuid', String(nobody.uid)]
    : ['unshare', '--user', '--map-current-user', '--net'];
  for (const prefix of [[...apart, '--', ...limit], [...apart, '--'], limit]) {
    const [program = '', ...args] = prefix;
    const tried = run({ program, args: [...args, 'true'], env: { PATH: path }, timeLimit: 10_000 });
    if ((await tried.catch(() => undefined))?.code === 0) return prefix;
  }
  return [];
}
