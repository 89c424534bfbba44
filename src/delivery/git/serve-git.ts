import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { pickEnvironment } from '../../ground/process/environment.ts';
import { killTree } from '../../ground/process/kill-tree.ts';
import { type Environment, Git } from './git.ts';

export interface GitServer {
  readonly url: string;
  /** Makes an empty repository, or takes the one that is there; gives its URL. */
  create(name: string): Promise<string>;
  close(): Promise<void>;
}

const longestRequest = 2 * 60_000;
const largestHeader = 64 * 1024;
const names = /^[a-z0-9][a-z0-9-]{0,50}$/;

/** Git repositories over HTTP on this machine alone: git's own program answers, this only brings it the requests. */
export async function serveGit(folder: string, env: Environment): Promise<GitServer> {
  await mkdir(folder, { recursive: true });
  const server = createServer(
    { requestTimeout: longestRequest, headersTimeout: 20_000 },
    (request, response) => {
      const refused = refusalOf(request);
      if (refused === undefined) answer(folder, env, request, response);
      else response.writeHead(refused, { 'content-type': 'text/plain' }).end(`${refused}\n`);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    create: async name => {
      if (!names.test(name))
        throw new Fault('USAGE', { what: `"${name.slice(0, 60)}" is no name for a repository` });
      const git = new Git(folder, { env });
      await git.run(['init', '--quiet', '--bare', '--initial-branch=main', join(folder, `${name}.git`)]);
      await new Git(join(folder, `${name}.git`), { env, isBare: true }).run([
        'config',
        'http.receivepack',
        'true',
      ]);
      return `${url}/${name}.git`;
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A page in a browser must reach nothing here: neither under another name of this machine, nor with a form. */
function refusalOf({ headers, url = '', method }: IncomingMessage): number | undefined {
  if (!/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(headers.host ?? '')) return 403;
  if (headers.origin !== undefined) return 403;
  const path = url.split('?')[0] ?? '';
  if (!/^\/[a-z0-9-]+\.git\/(?:info\/refs|git-upload-pack|git-receive-pack)$/.test(path)) return 404;
  return method === 'GET' || method === 'POST' ? undefined : 405;
}

function answer(folder: string, env: Environment, request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const child = spawn('git', ['http-backend'], {
    env: {
      ...pickEnvironment(env),
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-length'] !== undefined && {
        CONTENT_LENGTH: request.headers['content-length'],
      }),
      ...(request.headers['content-encoding'] !== undefined && {
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      }),
      ...(request.headers['git-protocol'] !== undefined && {
        GIT_PROTOCOL: String(request.headers['git-protocol']),
      }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: process.platform !== 'win32',
  });
  const timer = setTimeout(() => killTree(child), longestRequest);
  const end = () => {
    clearTimeout(timer);
    if (child.exitCode === null) killTree(child);
  };
  child.on('error', () => response.writeHead(500).end());
  response.on('close', end);
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  relay(child.stdout, response);
}

/** What a CGI program writes: header lines, an empty line, the body. */
function relay(output: NodeJS.ReadableStream, response: ServerResponse): void {
  let head = Buffer.alloc(0);
  let isBody = false;
  output.on('data', (chunk: Buffer) => {
    if (isBody) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length > largestHeader) response.destroy();
    if (end < 0) return;
    isBody = true;
    writeHead(head.subarray(0, end).toString('latin1'), response);
    if (head.length > end + 4) response.write(head.subarray(end + 4));
  });
  output.on('end', () => {
    if (!isBody && !response.headersSent) response.writeHead(500);
    response.end();
  });
}

function writeHead(text: string, response: ServerResponse): void {
  const fields = text
    .split('\r\n')
    .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
  const status = fields.find(([name]) => name.toLowerCase() === 'status')?.[1];
  for (const [name, value] of fields)
    if (name !== '' && name.toLowerCase() !== 'status') response.setHeader(name, value);
  response.writeHead(status === undefined ? 200 : Number.parseInt(status, 10) || 500);
}
