import { createReadStream } from 'node:fs';
import { Fault } from '../fault/fault.ts';

export interface NamedText {
  /** What it is, in the words of an error: "the key". */
  readonly what: string;
  readonly expected?: string;
  readonly next?: string;
  readonly limit?: number;
}

/** More than any key, token, certificate, trust root or record. */
const usualLimit = 16 * 1024 * 1024;

/** A text that the user named: whatever can be read, a pipe as well (`--key <(…)`), but never without end. */
export async function readNamedText(path: string, o: NamedText): Promise<string> {
  const { what, limit = usualLimit, ...more } = o;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new Fault('FILE_MISSING', { what: `${what} cannot be read`, where: path, ...more, cause });
  }
  if (size <= limit) return Buffer.concat(chunks, size).toString('utf8');
  throw new Fault('FILE_INVALID', {
    what: `${what} is too large`,
    where: path,
    expected: `at most ${limit} bytes`,
  });
}
