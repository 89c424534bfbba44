import { DerError } from '../der/der-error.ts';

/** Standard base64 that has exactly one spelling: padded, no spaces, no stray bits (RFC 4648 §3.5). */
export function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new DerError('a text is not strict base64');
  return bytes;
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
