import { createHmac, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../../../../ground/fault/fault.ts';
import { BoundedCache } from '../../../../ground/store/bounded-cache.ts';
import { Refusal } from '../http/refusal.ts';
import { type PasswordFile, parsePasswordFile, verifyPassword } from './htpasswd.ts';

const mostWaiting = 64;
const recheck = 1_000;
const challenge = { 'www-authenticate': 'Basic realm="registry", charset="UTF-8"' };

export interface CredentialsOptions {
  readonly now: () => number;
  /** The file changed into something that cannot be used. */
  readonly report: (error: unknown) => void;
}

/**
 * Basic authentication against an htpasswd file, which is read again when it changes.
 *
 * Checking a password is slow on purpose. What was checked is remembered under a keyed hash, so a client pays
 * once; passwords are checked one at a time and only so many may wait, so strangers cannot keep the registry busy.
 */
export class Credentials {
  readonly #path: string;
  readonly #key = randomBytes(32);
  readonly #answers = new BoundedCache<{ readonly user: string | undefined }>(256 * 1024, () => 64);
  #users: PasswordFile;
  #stamp: string;
  readonly #now: () => number;
  readonly #report: (error: unknown) => void;
  #lookedAt: number;
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(path: string, users: PasswordFile, stamp: string, o: CredentialsOptions) {
    this.#path = path;
    this.#users = users;
    this.#stamp = stamp;
    this.#now = o.now;
    this.#report = o.report;
    this.#lookedAt = o.now();
  }

  static async load(path: string, o: CredentialsOptions): Promise<Credentials> {
    const stamp = await stampOf(path);
    return new Credentials(path, await readUsers(path), stamp, o);
  }

  /** The user, or a 401 that says how to ask. */
  async authenticate(header: string | undefined): Promise<string> {
    const presented = parseBasic(header);
    if (presented === undefined) throw unauthorized('authentication is required');
    await this.#refresh();
    const key = createHmac('sha256', this.#key)
      .update(`${presented.user}\0${presented.password}`)
      .digest('hex');
    const answer = this.#answers.get(key) ?? (await this.#check(presented, key));
    if (answer.user === undefined) throw unauthorized('the user or the password is wrong');
    return answer.user;
  }

  async #check(presented: Basic, key: string): Promise<{ readonly user: string | undefined }> {
    if (this.#waiting >= mostWaiting) {
      throw new Refusal(429, 'TOOMANYREQUESTS', 'too many logins at once', {
        headers: { 'retry-after': '2' },
      });
    }
    this.#waiting++;
    const mine = this.#turn.then(async () => {
      const known = this.#answers.get(key);
      if (known !== undefined) return known;
      const { version } = this.#answers;
      const started = performance.now();
      const hash = this.#users.get(presented.user);
      // A user that does not exist takes as long as one that does, or the time would tell who exists.
      const [decoy = ''] = this.#users.values();
      const isRight = await verifyPassword(hash ?? decoy, presented.password);
      const answer = { user: isRight && hash !== undefined ? presented.user : undefined };
      // Hashing blocks this thread; after a failure it rests as long as it worked, so guessing takes half of it at most.
      if (answer.user === undefined) await delay(performance.now() - started);
      // `clear` of a file that changed meanwhile also changes the version: an old answer is not remembered.
      this.#answers.fill(key, answer, version);
      return answer;
    });
    this.#turn = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }

  async #refresh(): Promise<void> {
    const now = this.#now();
    if (now - this.#lookedAt < recheck && now >= this.#lookedAt) return;
    this.#lookedAt = now;
    try {
      const stamp = await stampOf(this.#path);
      if (stamp === this.#stamp) return;
      this.#users = await readUsers(this.#path);
      this.#stamp = stamp;
    } catch (error) {
      this.#report(error);
      // A file that is being rewritten, or was broken by hand, lets nobody in that it did not let in before.
      return;
    }
    this.#answers.clear();
  }
}

interface Basic {
  readonly user: string;
  readonly password: string;
}

function parseBasic(header: string | undefined): Basic | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]{1,4096})$/i.exec(header?.trim() ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function unauthorized(message: string): Refusal {
  return new Refusal(401, 'UNAUTHORIZED', message, { headers: challenge });
}

async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs}/${size}/${ino}`;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readUsers(path: string): Promise<PasswordFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  return parsePasswordFile(text, path);
}

function unreadable(path: string, cause: unknown): Fault {
  return new Fault('FILE_MISSING', { what: 'the password file cannot be read', where: path, cause });
}
