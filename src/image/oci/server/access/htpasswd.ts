import { createHash, timingSafeEqual } from 'node:crypto';
import { compare } from 'bcryptjs';
import { Fault } from '../../../../ground/fault/fault.ts';
import { hashApr1 } from './apr1.ts';

/** User names with the hash of each password, as the file has them. */
export type PasswordFile = ReadonlyMap<string, string>;

const bcryptForm = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const apr1Form = /^\$apr1\$([./0-9A-Za-z]{1,8})\$[./0-9A-Za-z]{22}$/;
const shaForm = /^\{SHA\}[A-Za-z0-9+/]{27}=$/;
/** A cost above this would make one login take longer than a client waits. */
const highestCost = 14;

/** Reads an htpasswd file. All problems are faults of the file as a whole: a registry must not run with half of it. */
export function parsePasswordFile(text: string, where: string): PasswordFile {
  const users = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const user = line.slice(0, Math.max(0, colon));
    const place = `${where}:${index + 1}`;
    if (user === '') throw badLine(place, 'the line has no user', 'NAME:HASH');
    if (users.has(user)) throw badLine(place, `the user "${user}" is there twice`, 'each user once');
    const hash = line.slice(colon + 1).trim();
    const problem = problemOf(hash);
    if (problem !== undefined) throw badLine(place, problem, 'a bcrypt hash ($2y$…)', user);
    users.set(user, hash);
  }
  if (users.size === 0) throw badLine(where, 'the file names no user', 'at least one line NAME:HASH');
  return users;
}

/** Whether the file has nothing but blank lines and comments. */
export function namesNobody(text: string): boolean {
  return text.split(/\r?\n/).every(line => line.trim() === '' || line.startsWith('#'));
}

export async function verifyPassword(hash: string, password: string): Promise<boolean> {
  if (hash.startsWith('$2')) return compare(password, hash);
  const salt = apr1Form.exec(hash)?.[1];
  const actual =
    salt === undefined
      ? `{SHA}${createHash('sha1').update(password, 'utf8').digest('base64')}`
      : hashApr1(password, salt);
  return isSame(actual, hash);
}

function problemOf(hash: string): string | undefined {
  const cost = bcryptForm.exec(hash)?.[1];
  if (cost !== undefined) {
    return Number(cost) > highestCost ? `a bcrypt cost of ${cost} takes too long per login` : undefined;
  }
  if (apr1Form.test(hash) || shaForm.test(hash)) return undefined;
  if (/^\$[156]\$/.test(hash)) return 'a crypt(3) hash cannot be checked here';
  return 'this is not a hash; plain-text passwords are never accepted';
}

function badLine(where: string, what: string, expected: string, user = 'USER'): Fault {
  const file = where.replace(/:\d+$/, '');
  return new Fault('HTPASSWD_INVALID', {
    what: `the password file cannot be used: ${what}`,
    where,
    expected,
    next: `htpasswd -B ${file} ${/^[\w.@-]+$/.test(user) ? user : 'USER'}`,
  });
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
