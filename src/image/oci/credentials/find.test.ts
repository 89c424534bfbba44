import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../../../test/faults.ts';
import type { Credential } from './credential.ts';
import { createCredentialLookup } from './find.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-credentials-'));
let home = root;
let count = 0;
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  home = join(root, String(count++));
  mkdirSync(join(home, 'bin'), { recursive: true });
  mkdirSync(join(home, '.docker'));
});

const pair = (user: string, secret: string = planted.password): string =>
  Buffer.from(`${user}:${secret}`).toString('base64');

function writeConfig(content: unknown, path = '.docker/config.json'): void {
  mkdirSync(join(home, path, '..'), { recursive: true });
  writeFileSync(join(home, path), typeof content === 'string' ? content : JSON.stringify(content));
}

/** A credential program that answers as the script says. */
function writeProgram(name: string, script: string): void {
  const path = join(home, 'bin', `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

function find(
  registry: string,
  repository = 'you/web',
  env: Record<string, string> = {},
): Promise<Credential | undefined> {
  const all = { HOME: home, PATH: `${join(home, 'bin')}:/usr/bin:/bin`, ...env };
  return createCredentialLookup({ env: all })(registry, repository);
}

/** Who it is and where it was found, for short. */
async function who(...args: Parameters<typeof find>): Promise<string> {
  const found = await find(...args);
  if (found === undefined) return 'a stranger';
  return `${found.kind === 'password' ? found.username : found.kind} from ${found.source.replace(home, '~')}`;
}

describe('credentials', () => {
  it('of the command line come first, for its registry only', async () => {
    const credential: Credential = {
      kind: 'password',
      username: 'flag',
      password: 'x',
      source: '--username',
    };
    const lookup = createCredentialLookup({
      env: { HOME: home, CI_REGISTRY: 'a.example', CI_REGISTRY_USER: 'ci', CI_REGISTRY_PASSWORD: 'y' },
      explicit: { registry: 'a.example', credential },
    });
    expect(await lookup('a.example', 'x')).toBe(credential);
    expect(await lookup('b.example', 'x')).toBeUndefined();
  });

  it('in variables are for one host, also where two hosts share their names', async () => {
    const env = { CG_REGISTRY_REGISTRY_CORP_COM_USER: 'me', CG_REGISTRY_REGISTRY_CORP_COM_PASSWORD: 'x' };
    const host = (name: string) => ({ ...env, CG_REGISTRY_REGISTRY_CORP_COM_HOST: name });
    const both = 'me from CG_REGISTRY_REGISTRY_CORP_COM_USER and CG_REGISTRY_REGISTRY_CORP_COM_PASSWORD';
    expect(await who('registry.corp.com', 'a', env)).toBe(both);
    expect(await who('registry-corp.com', 'a', env)).toBe('a stranger');
    expect(await who('registry.corp-com', 'a', env)).toBe('a stranger');
    expect(await who('registry-corp.com', 'a', host('registry-corp.com'))).toBe(both);
    expect(await who('registry.corp.com', 'a', host('registry-corp.com'))).toBe('a stranger');
  });

  it('come from variables of the user, of GitLab and of GitHub', async () => {
    expect(
      await who('registry.example.com:5000', 'a', {
        CG_REGISTRY_REGISTRY_EXAMPLE_COM_5000_USER: 'me',
        CG_REGISTRY_REGISTRY_EXAMPLE_COM_5000_PASSWORD: 'x',
        CG_REGISTRY_REGISTRY_EXAMPLE_COM_5000_HOST: 'registry.example.com:5000',
      }),
    ).toBe(
      'me from CG_REGISTRY_REGISTRY_EXAMPLE_COM_5000_USER and CG_REGISTRY_REGISTRY_EXAMPLE_COM_5000_PASSWORD',
    );
    const gitlab = { CI_REGISTRY: 'registry.gitlab.com', CI_JOB_TOKEN: 'x' };
    expect(await who('registry.gitlab.com', 'a', gitlab)).toBe('gitlab-ci-token from CI_JOB_TOKEN');
    expect(
      await who('registry.gitlab.com', 'a', { ...gitlab, CI_REGISTRY_USER: 'u', CI_REGISTRY_PASSWORD: 'p' }),
    ).toBe('u from CI_REGISTRY_USER and CI_REGISTRY_PASSWORD');
    expect(await who('other.example', 'a', gitlab)).toBe('a stranger');
    expect(await who('ghcr.io', 'a', { GITHUB_TOKEN: 'x', GITHUB_ACTOR: 'octo' })).toBe(
      'octo from GITHUB_TOKEN',
    );
    expect(await who('docker.io', 'a', { GITHUB_TOKEN: 'x', GITHUB_ACTOR: 'octo' })).toBe('a stranger');
  });

  it('come from auths: by any spelling of the key, and by the longest repository first', async () => {
    writeConfig({
      auths: {
        'https://index.docker.io/v1/': { auth: pair('hub') },
        'https://a.example': { auth: pair('plain') },
        'a.example/team': { auth: pair('team') },
        'a.example/team/app': { username: 'app', password: planted.password },
        'c.example': { auth: pair('u', `${planted.password}:with:colons`) },
        'd.example': { auth: 'not base64!' },
        'e.example': {},
      },
    });
    expect(await who('docker.io', 'library/alpine')).toBe('hub from ~/.docker/config.json (auths)');
    expect(await who('a.example', 'else')).toMatch(/^plain /);
    expect(await who('a.example', 'team/other')).toMatch(/^team /);
    expect(await who('a.example', 'team/app')).toMatch(/^app /);
    expect(await who('a.example', 'team/app/part')).toMatch(/^app /);
    expect(await who('a.example', 'teamwork')).toMatch(/^plain /);
    expect(await find('c.example')).toMatchObject({
      username: 'u',
      password: `${planted.password}:with:colons`,
    });
    expect([await who('d.example'), await who('e.example'), await who('b.example')]).toEqual([
      'a stranger',
      'a stranger',
      'a stranger',
    ]);
  });

  it('can be identity and registry tokens', async () => {
    writeConfig({
      auths: {
        'a.example': { auth: pair('x'), identitytoken: planted.identity },
        'b.example': { registrytoken: planted.token },
      },
    });
    expect([await who('a.example'), await who('b.example')]).toEqual([
      'identity from ~/.docker/config.json (auths)',
      'bearer from ~/.docker/config.json (auths)',
    ]);
  });

  it('come from DOCKER_CONFIG in place of the home, and from the file of podman at last', async () => {
    writeConfig({ auths: { 'a.example': { auth: pair('home') } } });
    writeConfig({ auths: { 'a.example': { auth: pair('own') } } }, 'own/config.json');
    writeConfig(
      { auths: { 'a.example': { auth: pair('pod') }, 'p.example': { auth: pair('pod') } } },
      'run/containers/auth.json',
    );
    const env = { XDG_RUNTIME_DIR: join(home, 'run') };
    expect(await who('a.example', 'x', { ...env, DOCKER_CONFIG: join(home, 'own') })).toMatch(/^own /);
    expect(await who('p.example', 'x', env)).toBe('pod from ~/run/containers/auth.json (auths)');
  });

  it('come from a credential program, which is told the server', async () => {
    writeProgram(
      'test',
      `read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$server\\",\\"Secret\\":\\"${planted.password}\\"}"`,
    );
    writeConfig({ credsStore: 'test' });
    expect(await who('a.example')).toBe('a.example from credential helper docker-credential-test');
    expect(await who('docker.io')).toBe(
      'https://index.docker.io/v1/ from credential helper docker-credential-test',
    );
  });

  it('named <token> are an identity token', async () => {
    writeProgram('test', `echo '{"Username":"<token>","Secret":"${planted.identity}"}'`);
    writeConfig({ credHelpers: { 'you.azurecr.io': 'test' } });
    expect(await find('you.azurecr.io')).toMatchObject({ kind: 'identity', token: planted.identity });
    expect(await who('a.example')).toBe('a stranger');
  });

  it('of the file come before those of the general store, and after those of the own program', async () => {
    writeProgram('own', `echo '{"Username":"own","Secret":"x"}'`);
    writeProgram('store', `echo '{"Username":"store","Secret":"x"}'`);
    writeConfig({
      credsStore: 'store',
      credHelpers: { 'a.example': 'own' },
      auths: { 'a.example': { auth: pair('file') }, 'b.example': { auth: pair('file') }, 'c.example': {} },
    });
    expect(
      [await who('a.example'), await who('b.example'), await who('c.example')].map(
        text => text.split(' ')[0],
      ),
    ).toEqual(['own', 'file', 'store']);
  });

  it('that a program does not have are nobody, not an error', async () => {
    writeProgram('test', `echo 'credentials not found in native keychain'; exit 1`);
    writeConfig({ credsStore: 'test' });
    expect(await who('a.example')).toBe('a stranger');
  });

  it.each([
    ['fails', `echo 'boom ${planted.password}'; exit 1`, 'exit code 1'],
    ['answers junk', `echo '${planted.password}'`, 'its answer is not JSON'],
    ['answers something else', `echo '{"Secret":5,"x":"${planted.password}"}'`, 'lacks Username or Secret'],
  ])('of a program that %s end in an error that names it', async (_, script, reason) => {
    writeProgram('test', script);
    writeConfig({ credsStore: 'test' });
    const fault = await faultOf(find('a.example'));
    expect([fault.code, fault.message]).toEqual(['CREDENTIALS_INVALID', expect.stringContaining(reason)]);
  });

  it('of a program that is missing, or has no name, end in an error', async () => {
    writeConfig({ credsStore: 'gone' });
    expect((await faultOf(find('a.example'))).message).toContain('docker-credential-gone is not installed');
    writeConfig({ credsStore: '../../bin/sh' });
    expect((await faultOf(find('a.example'))).message).toContain('not a program name');
  });

  it.each(['{', `{"auths": "${planted.password}`, '[]', '5'])(
    'of a broken file end in an error that does not quote it: %j',
    async text => {
      writeConfig(text);
      expect((await faultOf(find('a.example'))).code).toBe('CREDENTIALS_INVALID');
    },
  );

  it('are nobody in an empty file or an odd one', async () => {
    for (const content of ['', '{}', { auths: [] }, { auths: { 'a.example': 'text' } }, { credHelpers: 5 }]) {
      writeConfig(content);
      expect(await who('a.example')).toBe('a stranger');
    }
  });
});
