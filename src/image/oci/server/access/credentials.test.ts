import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashApr1 } from './apr1.ts';
import { Credentials } from './credentials.ts';
import { parsePasswordFile, verifyPassword } from './htpasswd.ts';

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

describe('a password file', () => {
  it('holds bcrypt, apr1 and SHA-1 hashes', async () => {
    const bcrypt = hashSync('one', 4).replace('$2b$', '$2y$');
    const text = `# people\nana:${bcrypt}\n\nben:$apr1$abcdefgh$${apr1Tail}\ncem:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\r\n`;
    const users = parsePasswordFile(text, 'file');
    expect([...users.keys()]).toEqual(['ana', 'ben', 'cem']);
    const right: [string, string][] = [
      ['ana', 'one'],
      ['ben', 'correct horse'],
      ['cem', 'secret'],
    ];
    for (const [user, password] of right) {
      expect([user, await verifyPassword(users.get(user) ?? '', password)]).toEqual([user, true]);
      expect([user, await verifyPassword(users.get(user) ?? '', `${password}x`)]).toEqual([user, false]);
    }
  });

  it.each([
    ['plain text', 'ana:secret', 'file:1'],
    ['crypt(3)', '\nana:$6$salt$hash', 'file:2'],
    ['no user', ':x', 'file:1'],
    ['a user twice', 'a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\na:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', 'file:2'],
    ['a cost that blocks', `a:$2y$31$${'a'.repeat(53)}`, 'file:1'],
    ['nothing', '# nobody\n', 'file'],
  ])('with %s is refused as a whole, with the place and the command that helps', (_, text, where) => {
    expect(() => parsePasswordFile(text, 'file')).toThrow(
      expect.objectContaining({
        code: 'HTPASSWD_INVALID',
        where,
        next: expect.stringContaining('htpasswd -B') as string,
      }),
    );
  });

  it('never repeats a password in the fault', () => {
    expect(() => parsePasswordFile('ana:hunter2', 'file')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') as string }),
    );
  });
});

const apr1Tail = hashApr1('correct horse', 'abcdefgh').slice('$apr1$abcdefgh$'.length);

describe('apr1', () => {
  // Made with `openssl passwd -apr1 -salt SALT PASSWORD`.
  it.each([
    ['abcdefgh', 'correct horse', '$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/'],
    ['x', '', '$apr1$x$tMwYqBfQwi3FYAr0aJc8M/'],
    [
      'Wq2.9/Az',
      'pässwörd that is rather longer than sixteen bytes',
      '$apr1$Wq2.9/Az$VBSuD6sELcVdkantkua7F1',
    ],
  ])('makes what openssl makes with the salt %s', (salt, password, expected) => {
    expect(hashApr1(password, salt)).toBe(expected);
  });
});

describe('credentials', () => {
  let folder: string;
  let file: string;
  const reports: unknown[] = [];
  beforeEach(async () => {
    reports.length = 0;
    folder = await mkdtemp(join(tmpdir(), 'cg-credentials-'));
    file = join(folder, 'htpasswd');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('let the right password in, also one with a colon, and nothing else', async () => {
    await writeFile(file, `ana:${hashSync('a:b', 4)}\n`);
    const credentials = await Credentials.load(file, { now: Date.now, report: error => reports.push(error) });
    expect(await credentials.authenticate(basic('ana', 'a:b'))).toBe('ana');
    const wrong = [
      undefined,
      '',
      'Basic',
      'Basic !!!',
      'Bearer x',
      basic('ana', 'a'),
      basic('ana', ''),
      basic('', 'a:b'),
      basic('nobody', 'a:b'),
      basic('ana', 'a:b').replace('Basic', 'Digest'),
      `Basic ${'A'.repeat(10_000)}`,
    ];
    for (const header of wrong) {
      await expect(credentials.authenticate(header)).rejects.toMatchObject({
        status: 401,
        code: 'UNAUTHORIZED',
        headers: { 'www-authenticate': expect.stringContaining('Basic realm=') as string },
      });
    }
  });

  it('pay for a password once, not for each request', async () => {
    await writeFile(file, `ana:${hashSync('right', 10)}\n`);
    const credentials = await Credentials.load(file, { now: Date.now, report: error => reports.push(error) });
    const first = await timeOf(() => credentials.authenticate(basic('ana', 'right')));
    const hundred = await timeOf(async () => {
      for (let turn = 0; turn < 100; turn++) await credentials.authenticate(basic('ana', 'right'));
    });
    expect(hundred).toBeLessThan(first);
  });

  it('let only so many strangers wait', async () => {
    await writeFile(file, `ana:${hashSync('right', 4)}\n`);
    const credentials = await Credentials.load(file, { now: Date.now, report: error => reports.push(error) });
    const answers = await Promise.allSettled(
      Array.from({ length: 200 }, (_, turn) => credentials.authenticate(basic('ana', String(turn)))),
    );
    const codes = answers.map(a => (a.status === 'rejected' ? (a.reason as { status: number }).status : 200));
    expect(codes.filter(code => code === 429).length).toBeGreaterThan(100);
    expect(codes).not.toContain(200);
  });

  it('follow the file when it changes, and keep to the old one for a minute while it is broken', async () => {
    await writeFile(file, `ana:${hashSync('old', 4)}\n`);
    let now = Date.now();
    const credentials = await Credentials.load(file, {
      now: () => now,
      report: error => reports.push(error),
    });
    expect(await credentials.authenticate(basic('ana', 'old'))).toBe('ana');
    const change = async (text: string): Promise<void> => {
      await writeFile(file, text);
      now += 5_000;
      await utimes(file, now / 1000, now / 1000);
    };
    await change('ana:broken\n');
    expect(await credentials.authenticate(basic('ana', 'old'))).toBe('ana');
    expect(reports).toEqual([expect.objectContaining({ code: 'HTPASSWD_INVALID' })]);
    now += 61_000;
    await expect(credentials.authenticate(basic('ana', 'old'))).rejects.toMatchObject({ status: 401 });
    await change(`ana:${hashSync('new', 4)}\n`);
    await expect(credentials.authenticate(basic('ana', 'old'))).rejects.toMatchObject({ status: 401 });
    expect(await credentials.authenticate(basic('ana', 'new'))).toBe('ana');
  });
});

describe('credentials of a file that somebody empties or takes away', () => {
  it('let nobody in, and say so once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cg-credentials-'));
    const file = join(folder, 'htpasswd');
    const line = `ana:${hashSync('right', 4)}\n`;
    let now = Date.now();
    for (const empty of [() => writeFile(file, ''), () => writeFile(file, '# nobody\n'), () => rm(file)]) {
      const reports: unknown[] = [];
      await writeFile(file, line);
      const credentials = await Credentials.load(file, {
        now: () => now,
        report: error => reports.push(error),
      });
      expect(await credentials.authenticate(basic('ana', 'right'))).toBe('ana');
      await empty();
      for (let turn = 0; turn < 3; turn++) {
        now += 2_000;
        await expect(credentials.authenticate(basic('ana', 'right'))).rejects.toMatchObject({ status: 401 });
      }
      expect(reports).toHaveLength(1);
    }
    await rm(folder, { recursive: true });
  });
});

describe('a stranger who guesses', () => {
  it('does not keep others out, from his own address or from another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cg-credentials-'));
    const file = join(folder, 'htpasswd');
    await writeFile(file, `ana:${hashSync('right', 6)}\n`);
    const credentials = await Credentials.load(file, { now: Date.now, report: () => undefined });
    const guesses = Array.from({ length: 300 }, (_, turn) =>
      credentials.authenticate(basic(`guess${turn % 10}`, String(turn)), '10.0.0.1').catch(() => undefined),
    );
    let answered = 0;
    for (const guess of guesses) void guess.then(() => answered++);
    const before = answered;
    for (const address of ['10.0.0.2', '10.0.0.1']) {
      expect(await credentials.authenticate(basic('ana', 'right'), address)).toBe('ana');
    }
    expect(before).toBe(0);
    await Promise.all(guesses);
    await rm(folder, { recursive: true });
  });
});

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
