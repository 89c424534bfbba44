import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a request was, for tests that count and compare. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Repository {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, { type: string; bytes: Buffer }>;
  readonly tags: Map<string, string>;
}

export interface DoubleOptions {
  /** Serves the referrers API, confirms subjects without serving it, or knows nothing of it. */
  readonly referrers?: 'api' | 'confirmed-only' | 'none';
  /** Honours `If-Match` on manifests and sends an ETag. */
  readonly etags?: boolean;
  /** The first to see a request; true means that it was answered. This is how a registry lies. */
  readonly intercept?: (
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    double: RegistryDouble,
  ) => boolean | void | Promise<boolean | void>;
  /** Also sees requests before their body is read; for cutting uploads. */
  readonly early?: (request: IncomingMessage, response: ServerResponse) => boolean | void;
}

/** A registry in memory that does what it is told, lies included. Not the product's registry: it stays simple. */
export class RegistryDouble {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  readonly #options: DoubleOptions;
  readonly #repositories = new Map<string, Repository>();
  readonly #uploads = new Map<string, Buffer>();

  private constructor(options: DoubleOptions) {
    this.#options = options;
    this.#server = createServer(
      (request, response) => void this.#handle(request, response).catch(() => response.destroy()),
    );
  }

  static async start(options: DoubleOptions = {}): Promise<RegistryDouble> {
    const double = new RegistryDouble(options);
    await new Promise<void>(resolve => double.#server.listen(0, '127.0.0.1', resolve));
    return double;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  repository(name: string): Repository {
    const known = this.#repositories.get(name);
    if (known !== undefined) return known;
    const created = { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.#repositories.set(name, created);
    return created;
  }

  count(method: string, part: string | RegExp): number {
    return this.seen.filter(
      s => s.method === method && (typeof part === 'string' ? s.path.includes(part) : part.test(s.path)),
    ).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#options.early?.(request, response) === true) return;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const path = request.url ?? '/';
    this.seen.push({
      method: request.method ?? '',
      path,
      headers: request.headers,
      body: body.toString('latin1').slice(0, 4096),
    });
    if ((await this.#options.intercept?.(request, response, body, this)) === true) return;
    this.#route(request, response, body, new URL(path, 'http://double'));
  }

  #route(request: IncomingMessage, response: ServerResponse, body: Buffer, url: URL): void {
    const path = url.pathname;
    if (path === '/v2/') return void response.end('{}');
    const match = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|referrers|tags\/list)(?:\/(.*))?$/.exec(path);
    const [, name = '', area = '', rest = ''] = match ?? [];
    const repository = this.repository(name);
    if (area === 'blobs/uploads')
      return this.#upload(request, response, body, url, { name, repository, id: rest });
    if (area === 'blobs') return this.#blob(request, response, repository, rest);
    if (area === 'manifests') return this.#manifest(request, response, body, repository, rest);
    if (area === 'referrers' && this.#options.referrers === 'api')
      return this.#referrers(response, repository, rest);
    if (area === 'tags/list') return json(response, 200, { name, tags: [...repository.tags.keys()].sort() });
    json(response, 404, { errors: [{ code: 'UNSUPPORTED', message: 'no such thing' }] });
  }

  #upload(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    url: URL,
    o: { name: string; repository: Repository; id: string },
  ): void {
    const from = url.searchParams.get('from');
    const digest = url.searchParams.get('digest') ?? '';
    if (request.method === 'POST') {
      const mount = url.searchParams.get('mount') ?? '';
      const blob = from === null ? undefined : this.repository(from).blobs.get(mount);
      if (blob !== undefined) {
        o.repository.blobs.set(mount, blob);
        return void response.writeHead(201, { location: `/v2/${o.name}/blobs/${mount}` }).end();
      }
      const id = randomUUID();
      this.#uploads.set(id, Buffer.alloc(0));
      // Relative, and with a query of its own: clients have to cope with both.
      return void response
        .writeHead(202, { location: `/v2/${o.name}/blobs/uploads/${id}?_state=a%20b`, 'content-length': 0 })
        .end();
    }
    const before = this.#uploads.get(o.id);
    if (before === undefined)
      return json(response, 404, { errors: [{ code: 'BLOB_UPLOAD_UNKNOWN', message: 'gone' }] });
    const range = { location: `/v2/${o.name}/blobs/uploads/${o.id}?_state=a%20b` };
    if (request.method === 'GET') return void response.writeHead(204, { ...range, ...rangeOf(before) }).end();
    if (request.method === 'PATCH') {
      const start = Number(/^(\d+)-/.exec(request.headers['content-range'] ?? `${before.length}-`)?.[1]);
      if (start !== before.length)
        return void response.writeHead(416, { ...range, ...rangeOf(before) }).end();
      const after = Buffer.concat([before, body]);
      this.#uploads.set(o.id, after);
      return void response.writeHead(202, { ...range, ...rangeOf(after) }).end();
    }
    const whole = Buffer.concat([before, body]);
    if (digestOf(whole, digest.split(':')[0]) !== digest)
      return json(response, 400, { errors: [{ code: 'DIGEST_INVALID', message: 'no' }] });
    o.repository.blobs.set(digest, whole);
    this.#uploads.delete(o.id);
    response
      .writeHead(201, { location: `/v2/${o.name}/blobs/${digest}`, 'docker-content-digest': digest })
      .end();
  }

  #blob(request: IncomingMessage, response: ServerResponse, { blobs }: Repository, digest: string): void {
    const blob = blobs.get(digest);
    if (blob === undefined) return json(response, 404, { errors: [{ code: 'BLOB_UNKNOWN', message: 'no' }] });
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = blob.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': part.length,
      ...(start > 0 && { 'content-range': `bytes ${start}-${blob.length - 1}/${blob.length}` }),
    });
    response.end(request.method === 'HEAD' ? undefined : part);
  }

  #manifest(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    repository: Repository,
    reference: string,
  ): void {
    const digest = repository.tags.get(reference) ?? reference;
    const known = repository.manifests.get(digest);
    if (request.method === 'PUT') return this.#putManifest(request, response, body, repository, reference);
    if (known === undefined)
      return json(response, 404, { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'no' }] });
    if (request.method === 'DELETE') {
      if (!repository.tags.delete(reference)) repository.manifests.delete(digest);
      return void response.writeHead(202).end();
    }
    response.writeHead(200, {
      'content-type': known.type,
      'content-length': known.bytes.length,
      'docker-content-digest': digest,
      ...(this.#options.etags === true && { etag: `"${digest}"` }),
    });
    response.end(request.method === 'HEAD' ? undefined : known.bytes);
  }

  #putManifest(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    repository: Repository,
    reference: string,
  ): void {
    const wanted = request.headers['if-match'];
    const current = repository.tags.get(reference);
    if (this.#options.etags === true && wanted !== undefined && wanted !== `"${current}"`)
      return void response.writeHead(412).end();
    if (this.#options.etags === true && request.headers['if-none-match'] === '*' && current !== undefined)
      return void response.writeHead(412).end();
    const digest = digestOf(body, reference.startsWith('sha512:') ? 'sha512' : 'sha256');
    const parsed = JSON.parse(body.toString('utf8')) as {
      subject?: { digest: string };
      manifests?: { digest: string }[];
      layers?: { digest: string; urls?: string[] }[];
      config?: { digest: string };
    };
    const missing = [...(parsed.layers ?? []), ...(parsed.config === undefined ? [] : [parsed.config])].find(
      blob => !repository.blobs.has(blob.digest) && !('urls' in blob),
    );
    const child = reference.startsWith('sha256-')
      ? undefined
      : parsed.manifests?.find(item => !repository.manifests.has(item.digest));
    if (missing !== undefined || child !== undefined) {
      return json(response, 400, {
        errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', message: (missing ?? child)?.digest }],
      });
    }
    repository.manifests.set(digest, { type: request.headers['content-type'] ?? '', bytes: body });
    if (!reference.includes(':')) repository.tags.set(reference, digest);
    const confirms =
      parsed.subject !== undefined &&
      this.#options.referrers !== undefined &&
      this.#options.referrers !== 'none';
    response
      .writeHead(201, {
        'docker-content-digest': digest,
        ...(confirms && { 'oci-subject': parsed.subject?.digest }),
      })
      .end();
  }

  #referrers(response: ServerResponse, repository: Repository, subject: string): void {
    const manifests = [...repository.manifests].flatMap(([digest, { type, bytes }]) => {
      const body = JSON.parse(bytes.toString('utf8')) as {
        subject?: { digest: string };
        artifactType?: string;
      };
      return body.subject?.digest === subject
        ? [{ mediaType: type, digest, size: bytes.length, artifactType: body.artifactType }]
        : [];
    });
    response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' });
    response.end(
      JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
    );
  }
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function digestOf(bytes: Buffer, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm === 'sha512' ? 'sha512' : 'sha256')
    .update(bytes)
    .digest('hex')}`;
}

function rangeOf(bytes: Buffer): Record<string, string> {
  return { range: `0-${Math.max(0, bytes.length - 1)}` };
}
