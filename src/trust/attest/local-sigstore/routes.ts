import { encodePem } from '../certificates/pem.ts';
import { spkiOf } from '../certificates/profile.ts';
import { decodeBase64 } from '../json/base64.ts';
import { Fields } from '../json/fields.ts';
import { parseStrictJson } from '../json/strict-json.ts';
import { type LocalCertificateAuthority, parsePublicKey } from './authority/certificate-authority.ts';
import type { LocalIssuer } from './identity/issuer.ts';
import type { LocalKeys } from './keys.ts';
import type { LocalCertificateLog } from './logs/certificate-log.ts';
import type { RekorReply, RekorV1 } from './logs/rekor-v1.ts';
import type { RekorV2 } from './logs/rekor-v2.ts';
import { Refusal } from './refusal.ts';
import type { LocalTimestampAuthority } from './timestamp-authority.ts';

export interface LocalServices {
  readonly keys: LocalKeys;
  readonly issuer: LocalIssuer;
  readonly authority: LocalCertificateAuthority;
  readonly certificateLog: LocalCertificateLog;
  readonly rekorV1: RekorV1;
  readonly rekorV2: RekorV2;
  readonly timestamps: LocalTimestampAuthority;
}

export interface ServiceRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface ServiceReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

type Handler = (services: LocalServices, request: ServiceRequest) => Promise<ServiceReply> | ServiceReply;

const routes: Readonly<Record<string, Handler>> = {
  'POST /api/v2/signingCert': issueWithChain,
  'POST /api/v1/signingCert': issueAsPem,
  'POST /api/v1/log/entries': async ({ rekorV1 }, request) => fromLog(await rekorV1.add(fieldsOf(request))),
  'GET /api/v1/log': ({ rekorV1 }) => fromLog(rekorV1.head()),
  'GET /api/v1/log/publicKey': ({ keys }) =>
    reply(200, 'application/x-pem-file', encodePem('PUBLIC KEY', spkiOf(keys['rekor-v1']))),
  'POST /api/v2/log/entries': async ({ rekorV2 }, request) => fromLog(await rekorV2.add(fieldsOf(request))),
  'GET /api/v2/checkpoint': ({ rekorV2 }) => reply(200, 'text/plain; charset=utf-8', rekorV2.checkpoint()),
  'POST /api/v1/timestamp': ({ timestamps }, request) =>
    reply(201, 'application/timestamp-reply', timestamps.stamp(request.body, contentTypeOf(request))),
  'GET /ct/v1/get-sth': ({ certificateLog }) => json(200, certificateLog.head()),
  'GET /.well-known/openid-configuration': ({ issuer }) => json(200, issuer.configuration()),
  'GET /keys': ({ issuer }) => json(200, issuer.keySet()),
  'GET /healthz': () => json(200, { ok: true }),
};

const kibi = 1024;

/** Only the first API of the log is sent whole envelopes, with whole inventories in them. */
export function largestBodyOf(method: string, path: string): number {
  return `${method} ${path}` === 'POST /api/v1/log/entries' ? 64 * kibi * kibi : 64 * kibi;
}

/** Answers one request; what the client did wrong becomes a status with one sentence. */
export async function answer(services: LocalServices, request: ServiceRequest): Promise<ServiceReply> {
  try {
    const entry = /^\/api\/v1\/log\/entries\/([0-9a-f]{64,80})$/.exec(request.path)?.[1];
    if (request.method === 'GET' && entry !== undefined) return fromLog(services.rekorV1.get(entry));
    const handler = routes[`${request.method} ${request.path.replace(/^\/local(?=\/)/, '')}`];
    if (handler === undefined) throw new Refusal(404, 'there is no such address');
    return await handler(services, request);
  } catch (error) {
    // Everything that a reader of bytes throws is about the request; its text never quotes the request.
    const refusal = error instanceof Refusal ? error : new Refusal(400, 'the request is malformed');
    return json(refusal.status, { code: refusal.status, message: refusal.message }, refusal.headers);
  }
}

async function issueWithChain(services: LocalServices, request: ServiceRequest): Promise<ServiceReply> {
  const body = fieldsOf(request);
  const token = body.has('credentials')
    ? body.object('credentials').text('oidcIdentityToken')
    : bearerOf(request);
  if (!body.has('publicKeyRequest')) {
    throw new Refusal(400, 'the request has no publicKeyRequest; certificate signing requests are not taken');
  }
  const order = body.object('publicKeyRequest');
  const certificates = await services.authority.issue({
    claims: services.issuer.check(token),
    publicKey: parsePublicKey(Buffer.from(order.object('publicKey').text('content'))),
    proofOfPossession: order.bytes('proofOfPossession'),
  });
  const chain = { certificates: certificates.map(der => encodePem('CERTIFICATE', der)) };
  return json(200, { signedCertificateEmbeddedSct: { chain } });
}

async function issueAsPem(services: LocalServices, request: ServiceRequest): Promise<ServiceReply> {
  const body = fieldsOf(request);
  const certificates = await services.authority.issue({
    claims: services.issuer.check(bearerOf(request)),
    publicKey: parsePublicKey(decodeBase64(body.object('publicKey').text('content'))),
    proofOfPossession: body.bytes('signedEmailAddress'),
  });
  const chain = certificates.map(der => encodePem('CERTIFICATE', der)).join('');
  return reply(201, 'application/pem-certificate-chain', chain);
}

function bearerOf(request: ServiceRequest): string {
  const header = request.headers['authorization'];
  const token = typeof header === 'string' ? /^bearer +(\S+)$/i.exec(header)?.[1] : undefined;
  if (token === undefined) throw new Refusal(401, 'the request carries no identity token');
  return token;
}

function contentTypeOf(request: ServiceRequest): string {
  return String(request.headers['content-type'] ?? '');
}

function fieldsOf(request: ServiceRequest): Fields {
  return new Fields(parseStrictJson(request.body), '');
}

function fromLog({ status, headers, body }: RekorReply): ServiceReply {
  return json(status, body, headers);
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): ServiceReply {
  return reply(status, 'application/json', JSON.stringify(body), headers);
}

function reply(
  status: number,
  type: string,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): ServiceReply {
  return { status, headers: { 'Content-Type': type, ...headers }, body };
}
