import { Fault } from '../../../ground/fault/fault.ts';
import { redactUrl } from '../../../ground/http/redact-url.ts';
import type { HttpReply } from './http.ts';

const tokens = /[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*/g;

/** A service said no. Its sentence is shown, short and without anything that looks like a token. */
export function refusedBy(service: string, url: string, reply: HttpReply): Fault {
  return new Fault('SIGSTORE_REFUSED', {
    what: `The ${service} answered with status ${reply.status}${sentenceOf(reply)}.`,
    where: redactUrl(url),
  });
}

export function unreadableReply(service: string, url: string, cause: unknown): Fault {
  return new Fault('SIGSTORE_REFUSED', {
    what: `The ${service} answered with something that cannot be read.`,
    where: redactUrl(url),
    cause,
  });
}

function sentenceOf(reply: HttpReply): string {
  const text = reply.body.subarray(0, 4096).toString('utf8');
  const said = messageIn(text) ?? '';
  const plain = said
    .replaceAll(tokens, '<token>')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return plain === '' ? '' : `: ${plain.slice(0, 200)}`;
}

function messageIn(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const message =
      typeof value === 'object' && value !== null && 'message' in value ? value.message : undefined;
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}
