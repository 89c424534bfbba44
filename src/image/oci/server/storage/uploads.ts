import { randomUUID } from 'node:crypto';
import { open, rm, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { namesIn } from '../../../../ground/store/content-store.ts';
import { makeFolder } from '../../../../ground/store/make-folder.ts';
import { isMissing } from '../../../../ground/store/write-fault.ts';
import type { Clock } from '../../../../model/clock.ts';
import { Refusal } from '../http/refusal.ts';
import type { Layout } from './layout.ts';
import { nameCost, type Quota } from './quota.ts';
import { Upload } from './upload.ts';

export interface UploadLimits {
  readonly openUploads: number;
  /** Milliseconds without a byte after which an upload is given up. */
  readonly uploadAge: number;
}

/** An upload that never got a byte is given up after this: a client sends at once. */
const emptyAge = 15 * 60_000;
/** One that has bytes makes room for others, when there is none, after this. */
const idleAge = 5 * 60_000;

/** The uploads of all repositories. Each lives in a file of its own, so it survives a restart. */
export class Uploads {
  readonly #layout: Layout;
  readonly #quota: Quota;
  readonly #limits: UploadLimits;
  readonly #clock: Clock;
  readonly #open = new Map<string, Upload>();

  constructor(layout: Layout, quota: Quota, limits: UploadLimits, clock: Clock) {
    this.#layout = layout;
    this.#quota = quota;
    this.#limits = limits;
    this.#clock = clock;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Takes up what an earlier process left. */
  async restore(repositories: AsyncIterable<string>): Promise<void> {
    for await (const repository of repositories) {
      for (const id of await namesIn(this.#layout.folder(repository, '_uploads'))) {
        const path = this.#layout.upload(repository, id);
        const { size, mtimeMs } = await stat(path);
        this.#quota.add(size + nameCost);
        this.#open.set(id, new Upload(id, repository, path, size, mtimeMs));
      }
    }
  }

  async start(repository: string): Promise<Upload> {
    if (this.#open.size >= this.#limits.openUploads) await this.expire();
    if (this.#open.size >= this.#limits.openUploads && !(await this.#evict())) {
      throw new Refusal(429, 'TOOMANYREQUESTS', `there are ${this.#open.size} open uploads already`, {
        headers: { 'retry-after': '10' },
      });
    }
    const id = randomUUID();
    const path = this.#layout.upload(repository, id);
    const upload = new Upload(id, repository, path, 0, this.#now());
    this.#quota.reserve(nameCost);
    this.#open.set(id, upload);
    try {
      await makeFile(path);
    } catch (error) {
      this.#open.delete(id);
      this.#quota.release(nameCost);
      throw error;
    }
    return upload;
  }

  find(repository: string, id: string): Upload {
    const upload = this.#open.get(id);
    if (upload === undefined || upload.repository !== repository) {
      throw new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', 'there is no such upload; it may have expired');
    }
    return upload;
  }

  /**
   * One request at a time may work on an upload, and the newest one wins: its client has given up the connection
   * of the one before, which may not know yet that it is broken.
   */
  async use<T>(upload: Upload, interrupt: () => void, work: () => Promise<T>): Promise<T> {
    upload.users++;
    upload.interrupt?.();
    const mine = upload.turn.then(async () => {
      // Whoever was before may have finished or cancelled it.
      this.find(upload.repository, upload.id);
      upload.interrupt = interrupt;
      return work();
    });
    upload.turn = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      if (upload.interrupt === interrupt) upload.interrupt = undefined;
      upload.users--;
      upload.changed = this.#now();
    }
  }

  append(upload: Upload, body: AsyncIterable<Buffer>, algorithm: 'sha256' | 'sha512'): Promise<void> {
    return upload.append(body, algorithm, this.#quota);
  }

  /** The file has become a blob. */
  forget(upload: Upload): void {
    if (this.#open.delete(upload.id)) this.#quota.release(nameCost);
  }

  async cancel(upload: Upload): Promise<void> {
    if (!this.#open.delete(upload.id)) return;
    await rm(upload.path, { force: true });
    await this.#removeEmptyFolders(dirname(upload.path));
    this.#quota.release(upload.size + nameCost);
  }

  /** Gives up what nobody has written to for long, or for `age` milliseconds. */
  async expire(age = this.#limits.uploadAge): Promise<number> {
    const now = this.#now();
    const ageOf = (upload: Upload): number => (upload.size === 0 ? Math.min(age, emptyAge) : age);
    const stale = this.#idle().filter(upload => now - upload.changed >= ageOf(upload));
    for (const upload of stale) await this.cancel(upload);
    return stale.length;
  }

  /** Makes room by giving up the upload that is missed least: one without a byte, else one that rests for long. */
  async #evict(): Promise<boolean> {
    const idle = this.#idle().sort((a, b) => a.changed - b.changed);
    const longAgo = this.#now() - idleAge;
    const victim = idle.find(upload => upload.size === 0) ?? idle.find(upload => upload.changed <= longAgo);
    if (victim === undefined) return false;
    await this.cancel(victim);
    return true;
  }

  #idle(): Upload[] {
    return [...this.#open.values()].filter(upload => upload.users === 0);
  }

  /** An upload that came to nothing leaves no repository behind. */
  async #removeEmptyFolders(folder: string): Promise<void> {
    if (folder === this.#layout.repositories) return;
    const isGone = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (isGone) await this.#removeEmptyFolders(dirname(folder));
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}

/** Again when the folder went away in between, with the last upload that was in it. */
async function makeFile(path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    await makeFolder(dirname(path));
    try {
      await (await open(path, 'wx')).close();
      return;
    } catch (error) {
      if (!isMissing(error) || attempt === 3) throw error;
    }
  }
}
