import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../test/faults.ts';
import { json, RegistryDouble } from '../../test/registry-double.ts';
import { logIn } from './log-in.ts';
import { logOut } from './log-out.ts';
import { toRegistryName } from './registry-name.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-login-'));
const basic = `Basic ${Buffer.from(`user:${planted.password}`).toString('base64')}`;
let count = 0;
let home = root;
let double: RegistryDouble;
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(async () => {
  home = join(root, String(count++));
  mkdirSync(join(home, '.docker'), { recursive: true });
  double = await RegistryDouble.start({
    intercept: (request, response) => {
      if (request.headers.authorization === basic) return false;
      json(
        response,
        401,
        { errors: [{ code: 'UNAUTHORIZED', message: 'who?' }] },
        { 'www-authenticate': 'Basic realm="test"' },
      );
      return true;
    },
  });
});
afterEach(() => double.close());

const configPath = (): string => join(home, '.docker/config.json');
const readConfig = (): Record<string, unknown> =>
  JSON.parse(readFileSync(configPath(), 'utf8')) as Record<string, unknown>;
const env = (): Record<string, string> => ({ HOME: home, PATH: `${join(home, 'bin')}:/usr/bin:/bin` });
const enter = (password: string = planted.password) =>
  logIn({ registry: double.host, username: 'user', password: `${password}\n`, env: env() });

describe('logging in', () => {
  it('keeps credentials that the registry accepts, for our eyes only, and warns that base64 hides nothing', async () => {
    const result = await enter();
    expect(readConfig()).toEqual({ auths: { [double.host]: { auth: basic.slice(6) } } });
    expect(statSync(configPath()).mode & 0o777).toBe(0o600);
    expect(result).toEqual({
      registry: double.host,
      username: 'user',
      kept: true,
      place: configPath(),
      warning: expect.stringContaining('base64'),
    });
    expect(readdirSync(join(home, '.docker'))).toEqual(['config.json']);
  });

  it('keeps nothing for a registry that asks nobody', async () => {
    const free = await RegistryDouble.start();
    const result = await logIn({
      registry: free.host,
      username: 'user',
      password: planted.password,
      env: env(),
    });
    expect(result).toEqual({ registry: free.host, username: 'user', kept: false });
    expect([existsSync(configPath()), free.seen.map(({ headers }) => headers.authorization)]).toEqual([
      false,
      [undefined],
    ]);
    await free.close();
  });

  it('keeps nothing that the registry does not accept', async () => {
    const fault = await faultOf(enter(`${planted.password}-wrong`));
    expect([fault.code, existsSync(configPath())]).toEqual(['UNAUTHORIZED', false]);
  });

  it('keeps everything else that the file holds', async () => {
    const before = {
      HttpHeaders: { 'X-A': 'b' },
      auths: { 'other.example': { auth: 'eDp5' } },
      proxies: { default: {} },
      future: [1, 2],
    };
    writeFileSync(configPath(), JSON.stringify(before, null, 2), { mode: 0o644 });
    await enter();
    expect(readConfig()).toEqual({
      ...before,
      auths: { ...before.auths, [double.host]: { auth: basic.slice(6) } },
    });
    expect(readFileSync(configPath(), 'utf8')).toMatch(/^\{\n {2}"HttpHeaders"/);
    expect(statSync(configPath()).mode & 0o777).toBe(0o600);
  });

  it('refuses to replace a file that it cannot read', async () => {
    writeFileSync(configPath(), `{"auths": ${planted.password}`);
    expect((await faultOf(enter())).code).toBe('CREDENTIALS_INVALID');
    expect(readFileSync(configPath(), 'utf8')).toContain('PLANTED');
  });

  it('hands the credentials to the helper that the file names, and writes none', async () => {
    mkdirSync(join(home, 'bin'));
    writeFileSync(
      join(home, 'bin/docker-credential-test'),
      `#!/bin/sh\necho "$1" >> "${home}/calls"; cat >> "${home}/calls"; echo >> "${home}/calls"\n`,
    );
    chmodSync(join(home, 'bin/docker-credential-test'), 0o755);
    writeFileSync(configPath(), '{"credsStore":"test"}');
    expect(await enter()).toEqual({
      registry: double.host,
      username: 'user',
      kept: true,
      place: 'docker-credential-test',
    });
    expect(readConfig()).toEqual({ credsStore: 'test' });
    expect(await logOut({ registry: double.host, env: env() })).toEqual({
      registry: double.host,
      wasLoggedIn: true,
    });
    expect(readFileSync(join(home, 'calls'), 'utf8')).toBe(
      `store\n{"ServerURL":"${double.host}","Username":"user","Secret":"${planted.password}"}\nerase\n${double.host}\n`,
    );
  });

  it('wants a name and a password', async () => {
    for (const wrong of [
      { username: '', password: 'x' },
      { username: 'user', password: '\n' },
      { username: 'a:b', password: 'x' },
    ]) {
      expect((await faultOf(logIn({ registry: double.host, env: env(), ...wrong }))).code).toBe('USAGE');
    }
    expect(double.seen).toEqual([]);
  });

  it('opens no socket offline', async () => {
    expect(
      (
        await faultOf(
          logIn({
            registry: double.host,
            username: 'user',
            password: planted.password,
            env: env(),
            offline: true,
          }),
        )
      ).code,
    ).toBe('OFFLINE');
    expect(double.seen).toEqual([]);
  });
});

describe('logging out', () => {
  it('forgets this registry and no other', async () => {
    writeFileSync(
      configPath(),
      JSON.stringify({
        auths: { 'a.example': { auth: 'eDp5' }, 'https://b.example': { auth: 'eDp5' }, 'b.example.org': {} },
        keep: true,
      }),
    );
    expect(await logOut({ registry: 'https://b.example/', env: env() })).toEqual({
      registry: 'b.example',
      wasLoggedIn: true,
    });
    expect(readConfig()).toEqual({
      auths: { 'a.example': { auth: 'eDp5' }, 'b.example.org': {} },
      keep: true,
    });
  });

  it('says when there was nothing to forget, and writes nothing', async () => {
    expect(await logOut({ registry: 'a.example', env: env() })).toEqual({
      registry: 'a.example',
      wasLoggedIn: false,
    });
    expect(existsSync(configPath())).toBe(false);
  });
});

describe('the name of a registry', () => {
  it.each([
    ['docker.io', 'docker.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['ghcr.io', 'ghcr.io'],
    ['http://localhost:5000/', 'localhost:5000'],
    ['[::1]:5000', '[::1]:5000'],
  ])('%s is %s', (text, name) => {
    expect(toRegistryName(text)).toBe(name);
  });

  it.each(['', 'ghcr', 'ghcr.io/you', 'a b', 'ftp://x'])('%j is none', text => {
    expect(() => toRegistryName(text)).toThrow('not the host of a registry');
  });
});
