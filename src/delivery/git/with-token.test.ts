import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBranch } from './change-branch.ts';
import { withToken } from './with-token.ts';

const token = 'secret-of-the-environment';
const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  CG_GITOPS_TOKEN: token,
};
let server: Server;
let asked: (string | undefined)[];
let address: string;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.writeHead(403).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
});

describe('the token of a pipeline', () => {
  it('reaches the server of the remote, in place of what a checkout left in its address, and no message', async () => {
    const remote = `http://gitlab-ci-token:of-the-job@${address}/acme/deploy.git`;
    const failed: unknown = await readBranch({ remote, branch: 'main', env }, async () => 0).catch(
      error => error,
    );
    expect(failed).toBeInstanceOf(Error);
    expect(String((failed as { actual?: string }).actual) + String(failed)).not.toContain(token);
    expect(new Set(asked)).toEqual(
      new Set([`Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`]),
    );
  });

  it('is added to what the user configured', () => {
    const own = { ...env, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'a.b', GIT_CONFIG_VALUE_0: 'c' };
    expect(withToken('https://github.com/acme/deploy', own).env).toMatchObject({
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'a.b',
      GIT_CONFIG_KEY_1: 'http.https://github.com/.extraHeader',
    });
  });

  it.each([
    'http://git.example/a/b',
    'git@github.com:a/b.git',
    'ssh://git@github.com/a/b',
    '/srv/git',
    'git://x/y',
  ])('does not travel to %s', remote => expect(withToken(remote, env)).toEqual({ remote, env }));

  it('changes nothing when there is none', () => {
    const none = { ...env, CG_GITOPS_TOKEN: '' };
    const remote = 'https://user:password@github.com/a/b';
    expect(withToken(remote, none)).toEqual({ remote, env: none });
  });
});
