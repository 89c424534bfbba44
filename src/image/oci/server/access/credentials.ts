import { createHmac, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../../../../ground/fault/fault.ts';
import { BoundedCache } from '../../../../ground/store/bounded-cache.ts';
import { isMissing } from '../../../../ground/store/write-fault.ts';
import { Refusal } from '../http/refusal.ts';
import { namesNobody, type PasswordFile, parsePasswordFile, verifyPassword } from './htpasswd.ts';
import { LoginLine } from './login-line.ts';

const recheck = 1_000;
/** How long the users of before stay when the file cannot be used: somebody is writing it, or will hear of it. */
const brokenFor = 60_000;
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
 * once; passwords are checked one at a time, and who guesses many waits behind himself (see LoginLine).
 */
export class Credentials {
  readonly #path: string;
  readonly #key = randomBytes(32);
  readonly #answers = new BoundedCache<{ readonly user: string | undefined }>(256 * 1024, () => 64);
  #users: PasswordFile;
  /** A hash to check when there is no user at all. */
  readonly #decoy: string;
  #stamp: string;
  readonly #now: () => number;
  readonly #report: (error: unknown) => void;
  #lookedAt: number;
  /** Since when the file has been one that cannot be used. */
  #brokenAt: number | undefined;
  readonly #line = new LoginLine();
  /** Users and the addresses from which they have logged in. */
  readonly #regulars = new BoundedCache<true>(256 * 1024, () => 8);

  private constructor(path: string, users: PasswordFile, stamp: string, o: CredentialsOptions) {
    this.#path = path;
    this.#users = users;
    [this.#decoy = ''] = users.values();
    this.#stamp = stamp;
    this.#now = o.now;
    this.#report = o.report;
    this.#lookedAt = o.now();
  }

  static async load(path: string, o: CredentialsOptions): Promise<Credentials> {
    const stamp = await stampOf(path);
    return new Credentials(path, parsePasswordFile(await readText(path), path), stamp, o);
  }

  /** The user, or a 401 that says how to ask. */
  async authenticate(header: string | undefined, address = 'unknown'): Promise<string> {
    const presented = parseBasic(header);
    if (presented === undefined) throw unauthorized('authentication is required');
    await this.#refresh();
    const key = createHmac('sha256', this.#key)
      .update(`${presented.user}\0${presented.password}`)
      .digest('hex');
    const answer = this.#answers.get(key) ?? (await this.#check(presented, key, neighbourhoodOf(address)));
    if (answer.user === undefined) throw unauthorized('the user or the password is wrong');
    return answer.user;
  }

  #check(presented: Basic, key: string, address: string): Promise<{ readonly user: string | undefined }> {
    const { user } = presented;
    const regular = `${address} ${user}`;
    const isKnown = this.#regulars.get(regular) === true;
    return this.#line.run({ address, user, isKnown }, async () => {
      const known = this.#answers.get(key);
      if (known !== undefined) return known;
      const { version } = this.#answers;
      const started = performance.now();
      const hash = this.#users.get(user);
      // A user that does not exist takes as long as one that does, or the time would tell who exists.
      const [decoy = this.#decoy] = this.#users.values();
      const isRight = await verifyPassword(hash ?? decoy, presented.password);
      const answer = { user: isRight && hash !== undefined ? user : undefined };
      // Hashing blocks this thread; after a failure it rests as long as it worked, so guessing takes half of it at most.
      if (answer.user === undefined) await delay(performance.now() - started);
      else this.#regulars.put(regular, true);
      // `clear` of a file that changed meanwhile also changes the version: an old answer is not remembered.
      this.#answers.fill(key, answer, version);
      return answer;
    });
  }

  async #refresh(): Promise<void> {
    const now = this.#now();
    if (now - this.#lookedAt < recheck && now >= this.#lookedAt) return;
    this.#lookedAt = now;
    const stamp = await stampOf(this.#path).catch(() => 'missing');
    if (stamp !== this.#stamp) await this.#readAgain(stamp);
    // A file that is being rewritten keeps the users of before, but not for good: it may be there to revoke one.
    if (this.#brokenAt === undefined || now - this.#brokenAt < brokenFor || this.#users.size === 0) return;
    this.#replace(noUsers);
  }

  async #readAgain(stamp: string): Promise<void> {
    this.#stamp = stamp;
    let text: string | undefined;
    try {
      text = await readText(this.#path);
      this.#replace(parsePasswordFile(text, this.#path));
    } catch (error) {
      this.#report(error);
      const isGone = error instanceof Fault && isMissing(error.cause);
      // Nobody is in the file, so nobody gets in. Other faults are a slip of the hand, or a write under way.
      if (isGone || (text !== undefined && namesNobody(text))) this.#replace(noUsers);
      else this.#brokenAt ??= this.#now();
    }
  }

  #replace(users: PasswordFile): void {
    this.#users = users;
    this.#brokenAt = undefined;
    this.#answers.clear();
  }
}

const noUsers: PasswordFile = new Map();

/** An address, or for IPv6 the network that one customer gets whole. */
function neighbourhoodOf(address: string): string {
  return address.includes('.') || !address.includes(':') ? address : address.split(':').slice(0, 4).join(':');
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

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): Fault {
  return new Fault('FILE_MISSING', { what: 'the password file cannot be read', where: path, cause });
}
