import { Fault } from '../fault/fault.ts';
import { redactUrl } from './redact-url.ts';
import type { HttpResponse } from './send.ts';

/** A small answer has this long, and from then on must have come at this many bytes a second on average. */
const patience = 60_000;
const leastRate = 10_000;

/** The whole body of a small answer; one that is larger than the limit, or only drips, is cut off and is an error. */
export async function readBytes(response: HttpResponse, limit: number, patient = patience): Promise<Buffer> {
  const announced = Number(response.headers['content-length'] ?? 0);
  if (announced > limit) {
    response.discard();
    throw tooLarge(response, limit, `${announced} bytes announced`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const start = performance.now();
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > limit) throw tooLarge(response, limit, `more than ${limit} bytes`);
    chunks.push(chunk);
    const took = performance.now() - start;
    if (took > patient + (size / leastRate) * 1000) throw tooSlow(response, size, took);
  }
  return Buffer.concat(chunks, size);
}

export async function readJson(response: HttpResponse, limit: number): Promise<unknown> {
  return (await readSizedJson(response, limit)).value;
}

/** The size is that of the text, for whoever adds up what a server sends. */
export async function readSizedJson(
  response: HttpResponse,
  limit: number,
): Promise<{ value: unknown; size: number }> {
  const bytes = await readBytes(response, limit);
  try {
    return { value: JSON.parse(bytes.toString('utf8')) as unknown, size: bytes.length };
  } catch (error) {
    throw new Fault('PROTOCOL', {
      what: `${response.url.host} answered something that is not JSON`,
      where: redactUrl(response.url),
      expected: 'JSON',
      actual: excerpt(bytes),
      cause: error,
    });
  }
}

/** The beginning of a foreign text, safe to print: no tags, no control characters, at most 200 characters. */
export function excerpt(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 4096)).toString('utf8');
  const plain = text
    .replace(/<(script|style)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>?/g, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (plain === '') return text.trim() === '' ? 'an empty body' : 'a page without text';
  return plain.length > 200 ? `${plain.slice(0, 199)}…` : plain;
}

function tooSlow(response: HttpResponse, size: number, took: number): Fault {
  return new Fault('NETWORK', {
    what: `${response.url.host} answers too slowly to be waited for`,
    where: redactUrl(response.url),
    actual: `${size} bytes in ${Math.round(took / 1000)} s`,
  });
}

function tooLarge(response: HttpResponse, limit: number, actual: string): Fault {
  return new Fault('LIMIT_EXCEEDED', {
    what: `${response.url.host} answered with more than cg is willing to read here`,
    where: redactUrl(response.url),
    expected: `at most ${limit} bytes`,
    actual,
  });
}
