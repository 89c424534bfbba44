import { Fault } from '../fault/fault.ts';
import { redactUrl } from './redact-url.ts';
import type { HttpResponse } from './send.ts';

/** The whole body of a small answer; one that is larger than the limit is cut off and is an error. */
export async function readBytes(response: HttpResponse, limit: number): Promise<Buffer> {
  const announced = Number(response.headers['content-length'] ?? 0);
  if (announced > limit) {
    response.discard();
    throw tooLarge(response, limit, `${announced} bytes announced`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > limit) throw tooLarge(response, limit, `more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

export async function readJson(response: HttpResponse, limit: number): Promise<unknown> {
  const bytes = await readBytes(response, limit);
  try {
    return JSON.parse(bytes.toString('utf8'));
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

function tooLarge(response: HttpResponse, limit: number, actual: string): Fault {
  return new Fault('LIMIT_EXCEEDED', {
    what: `${response.url.host} answered with more than cg is willing to read here`,
    where: redactUrl(response.url),
    expected: `at most ${limit} bytes`,
    actual,
  });
}
