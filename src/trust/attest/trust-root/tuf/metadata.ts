import { Fields } from '../../json/fields.ts';
import { type Json, parseStrictJson } from '../../json/strict-json.ts';
import { canonicalText } from './canonical.ts';
import { refuse } from './refusal.ts';

export type Role = 'root' | 'timestamp' | 'snapshot' | 'targets';

/** One signed file of a repository (TUF 1.0 §4.2). Reading it says nothing about who signed it. */
export interface Metadata {
  readonly file: string;
  readonly version: number;
  readonly expires: Date;
  readonly signed: Fields;
  /** The bytes that signatures are made over. */
  readonly payload: Buffer;
  readonly signatures: readonly { readonly keyId: string; readonly signature: Buffer }[];
  readonly bytes: Buffer;
}

const mostSignatures = 64;
const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

export function parseMetadata(role: Role, file: string, bytes: Buffer): Metadata {
  try {
    const document = new Fields(parseStrictJson(bytes), '');
    const signed = document.object('signed');
    if (signed.text('_type') !== role) throw new Error(`it is not ${role} metadata`);
    if (!/^1\.\d/.test(signed.text('spec_version'))) throw new Error('it follows another specification');
    return {
      file,
      version: readVersion(signed),
      expires: readTime(signed.text('expires')),
      signed,
      payload: Buffer.from(canonicalText(document.raw('signed') as Json)),
      signatures: document.objects('signatures', mostSignatures).map(entry => ({
        keyId: entry.text('keyid'),
        signature: entry.hex('sig'),
      })),
      bytes,
    };
  } catch (cause) {
    throw refuse(file, cause instanceof Error ? cause.message : 'it is malformed');
  }
}

/** Versions begin with 1 (§4.3). */
export function readVersion(fields: Fields): number {
  const version = fields.raw('version');
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 0) return version;
  throw new Error('its version is not a positive number');
}

function readTime(text: string): Date {
  const date = new Date(text);
  if (!time.test(text) || Number.isNaN(date.getTime())) throw new Error('its expiry is not a time');
  return date;
}
