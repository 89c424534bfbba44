import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../../ground/fault/fault.ts';
import { frozenClock } from '../../../model/clock.ts';
import type { Http, HttpRequest } from '../services/http.ts';
import type { Claims } from './claims.ts';
import { findIdentityToken } from './find-token.ts';
import { readIdentityToken, subjectOfToken } from './identity-token.ts';
import { signToken } from './json-web-token.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const clock = frozenClock('2026-03-01T12:00:00Z');
const now = clock.now().getTime() / 1000;
const mint = (claims: Claims = {}) =>
  signToken(
    { iss: 'https://issuer', aud: 'sigstore', exp: now + 300, sub: 'me', ...claims },
    privateKey,
    'k',
  );

function faultOf(use: () => unknown): Fault {
  try {
    use();
  } catch (error) {
    if (error instanceof Fault) return error;
  }
  throw new Error('no fault was thrown');
}

describe('an identity token', () => {
  it('is read before it is used', () => {
    const token = readIdentityToken(`${mint()}\n`, 'file', clock);
    expect([token.challenge, token.text]).toEqual(['me', token.text.trim()]);
  });

  it.each([
    ['expired 5 minutes ago', { exp: now - 300 }, 'it expired 5 minutes ago'],
    ['not meant for Sigstore', { aud: ['vault', 'other'] }, 'it is not meant for Sigstore'],
    ['without an expiry', { exp: 'soon' }, 'it has no claim "exp"'],
    ['without a subject', { sub: undefined }, 'it has no claim "sub"'],
  ])('that is %s is refused with that reason, and is not shown', (_name, claims, why) => {
    const text = mint(claims);
    const fault = faultOf(() => readIdentityToken(text, 'SIGSTORE_ID_TOKEN', clock));
    expect(fault.code).toBe('TOKEN_INVALID');
    expect(fault.message).toContain(why);
    expect(
      JSON.stringify([fault.message, fault.where, fault.expected, fault.actual, fault.next]),
    ).not.toContain(text.slice(0, 12));
  });

  it.each(['', 'x', 'a.b', 'a.b.c', `${'a'.repeat(70_000)}.b.c`, '..'])(
    'that is none is refused: %.10s',
    text => {
      expect(faultOf(() => readIdentityToken(text, 'file', clock)).code).toBe('TOKEN_INVALID');
    },
  );

  it.each([
    [
      { job_workflow_ref: 'o/r/.github/workflows/x.yml@refs/heads/main' },
      'https://github.com/o/r/.github/workflows/x.yml@refs/heads/main',
    ],
    [
      { ci_config_ref_uri: 'gitlab.com/g/p//.gitlab-ci.yml@refs/heads/main' },
      'https://gitlab.com/g/p//.gitlab-ci.yml@refs/heads/main',
    ],
    [{ email: 'ada@example.com' }, 'ada@example.com'],
  ])('says as whom one would sign: %o', (claims, subject) => {
    expect(subjectOfToken(readIdentityToken(mint(claims), 'x', clock))).toEqual({
      issuer: 'https://issuer',
      subject,
    });
  });
});

describe('the search for a token', () => {
  const never: Http = () => Promise.reject(new Error('no request is expected'));

  it('takes a file first, then SIGSTORE_ID_TOKEN', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'cg-token-')), 'token');
    writeFileSync(file, mint({ sub: 'file' }));
    const environment = { SIGSTORE_ID_TOKEN: mint({ sub: 'environment' }) };
    const search = { environment, http: never, clock };
    expect((await findIdentityToken({ ...search, file })).challenge).toBe('file');
    expect((await findIdentityToken(search)).challenge).toBe('environment');
  });

  it('asks GitHub Actions with its own credential and our audience', async () => {
    const asked: HttpRequest[] = [];
    const http: Http = request => {
      asked.push(request);
      return Promise.resolve({
        status: 200,
        headers: {},
        body: Buffer.from(JSON.stringify({ value: mint() })),
      });
    };
    const environment = {
      ACTIONS_ID_TOKEN_REQUEST_URL: 'https://pipelines.example/id?api=2',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token',
    };
    expect((await findIdentityToken({ environment, http, clock })).source).toBe('GitHub Actions');
    expect(asked[0]?.url).toBe('https://pipelines.example/id?api=2&audience=sigstore');
    expect(asked[0]?.headers['Authorization']).toBe('Bearer request-token');
  });

  it('asks the agent of Buildkite, and gives it nothing but its own variables', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cg-agent-'));
    const agent = (script: string) =>
      writeFileSync(join(folder, 'buildkite-agent'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const environment = {
      PATH: `${folder}:/usr/bin:/bin`,
      BUILDKITE: 'true',
      BUILDKITE_JOB_ID: '7',
      SECRET: 'x',
    };
    const search = { environment, http: never, clock };
    agent(
      `test -z "$SECRET" && test "$BUILDKITE_JOB_ID$*" = "7oidc request-token --audience sigstore" && echo ${mint()}`,
    );
    expect((await findIdentityToken(search)).source).toBe('Buildkite');
    agent('exit 3');
    await expect(findIdentityToken(search)).rejects.toMatchObject({ code: 'TOKEN_MISSING' });
  });

  it.each([
    [{ GITHUB_ACTIONS: 'true' }, /id-token: write/],
    [{ GITLAB_CI: 'true' }, /id_tokens/],
    [{}, /SIGSTORE_ID_TOKEN/],
  ])('says what the job lacks: %o', async (environment, next) => {
    const error: unknown = await findIdentityToken({ environment, http: never, clock }).catch(
      (fault: unknown) => fault,
    );
    expect(error).toMatchObject({ code: 'TOKEN_MISSING', next: expect.stringMatching(next) });
  });

  it('says that the permission is missing when GitHub refuses, without the credential', async () => {
    const http: Http = () =>
      Promise.resolve({ status: 403, headers: {}, body: Buffer.from('secret-in-body') });
    const environment = {
      ACTIONS_ID_TOKEN_REQUEST_URL: 'https://p.example/?sig=abc',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'hush',
    };
    const error: unknown = await findIdentityToken({ environment, http, clock }).catch(
      (fault: unknown) => fault,
    );
    expect(error).toMatchObject({ code: 'TOKEN_MISSING' });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/hush|abc|secret/);
  });
});
