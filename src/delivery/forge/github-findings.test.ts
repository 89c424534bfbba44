import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { afterEach, describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../../test/faults.ts';
import { quickTiming } from '../../../test/quick-timing.ts';
import { HttpClient } from '../../ground/http/client.ts';
import { type GithubPlace, readGithubPlace, readSarifStatus, uploadSarif } from './github-findings.ts';

const commit = '0123456789abcdef0123456789abcdef01234567';
const job = {
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_TOKEN: planted.token,
  GITHUB_SHA: commit,
  GITHUB_REF: 'refs/heads/main',
};
/** What GitHub documents of the body of an upload. */
const isUpload = new Ajv().compile({
  type: 'object',
  properties: {
    commit_sha: { type: 'string', minLength: 40, maxLength: 40, pattern: '^[0-9a-fA-F]+$' },
    ref: { type: 'string', pattern: '^refs/(heads|tags|pull)/.*$' },
    sarif: { type: 'string' },
    checkout_uri: { type: 'string' },
    started_at: { type: 'string' },
    tool_name: { type: 'string' },
    validate: { type: 'boolean' },
  },
  required: ['commit_sha', 'ref', 'sarif'],
  additionalProperties: false,
});

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const thing of open.splice(0)) thing.close();
});

/** Answers one after the other; the last one stays. */
async function serve(...answers: readonly (readonly [number, unknown])[]) {
  const requests: { request: IncomingMessage; body: string }[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [status, value] = answers[Math.min(requests.length, answers.length - 1)] ?? [500, {}];
      requests.push({ request, body: Buffer.concat(chunks).toString() });
      response.writeHead(status).end(JSON.stringify(value));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const http = new HttpClient({ timing: quickTiming() });
  open.push(http, { close: () => (server.closeAllConnections(), server.close()) });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v3`;
  const place: GithubPlace = readGithubPlace({ ...job, GITHUB_API_URL: url });
  return { requests, http, place };
}

describe('findings for GitHub', () => {
  it('are uploaded packed, as its documentation says, and again when it is busy', async () => {
    const { requests, http, place } = await serve([503, {}], [202, { id: 'a-1', url: 'x' }]);
    expect(await uploadSarif('{"runs":[]}', place, http, { name: 'api' })).toBe('a-1');
    expect(requests).toHaveLength(2);
    const [, { request, body } = { request: undefined, body: '' }] = requests;
    expect([request?.method, request?.url]).toEqual(['POST', '/api/v3/repos/acme/shop/code-scanning/sarifs']);
    expect(request?.headers).toMatchObject({
      authorization: `Bearer ${planted.token}`,
      'x-github-api-version': '2022-11-28',
    });
    const sent = JSON.parse(body);
    expect([isUpload(sent), isUpload.errors]).toEqual([true, null]);
    expect(gunzipSync(Buffer.from(sent.sarif, 'base64')).toString()).toBe('{"runs":[]}');
  });

  it.each([
    [403, 'security-events: write'],
    [404, 'code scanning'],
    [400, 'correct what the answer names'],
  ])('that it refuses with %i are an error that says what to do, and not the token', async (status, next) => {
    const { http, place } = await serve([status, { message: `${planted.token} is not enough` }]);
    const fault = await faultOf(uploadSarif('{}', place, http, { name: 'api' }));
    expect([fault.code, fault.kind]).toEqual(['FORGE_REFUSED', 'remote']);
    expect(fault.actual).toContain(String(status));
    expect(fault.next).toContain(next);
  });

  it('that it does not take in afterwards are an error too', async () => {
    const { http, place } = await serve(
      [200, { processing_status: 'pending' }],
      [200, { processing_status: 'complete' }],
      [200, { processing_status: 'failed', errors: ['rejected'] }],
    );
    const look = () => readSarifStatus('a-1', place, http, { name: 'api' });
    expect([await look(), await look()]).toEqual(['pending', 'complete']);
    expect((await faultOf(look())).actual).toContain('rejected');
  });

  it.each([
    ['GITHUB_TOKEN', ''],
    ['GITHUB_REPOSITORY', 'acme/shop/../else'],
    ['GITHUB_SHA', 'main'],
    ['GITHUB_REF', 'main'],
    ['GITHUB_API_URL', 'no address'],
  ])('need a job of GitHub: %s as %j is refused', (name, value) => {
    expect(() => readGithubPlace({ ...job, [name]: value })).toThrow(name);
  });
});
