import { type KeyObject, sign } from 'node:crypto';
import { hashFor, verifyKeySignature } from '../certificates/signature.ts';
import { DerError } from '../der/der-error.ts';
import { decodeBase64 } from '../json/base64.ts';

/** A log's signed statement of its size and root, a "signed note". */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** The text that the signatures cover, with its last newline. */
  readonly signed: string;
  readonly signatures: readonly CheckpointSignature[];
}

export interface CheckpointSignature {
  readonly name: string;
  /** The first four bytes of the key id. */
  readonly hint: Buffer;
  readonly signature: Buffer;
}

const maxSignatures = 32;

export function parseCheckpoint(text: string): Checkpoint {
  if (text.length > 64 * 1024) throw new DerError('a checkpoint is larger than 64 KiB');
  const blank = text.indexOf('\n\n');
  if (blank === -1 || !text.endsWith('\n')) throw new DerError('a checkpoint has no signatures');
  const signed = text.slice(0, blank + 1);
  const [origin = '', size = '', root = ''] = signed.split('\n');
  if (origin === '' || !/^(?:0|[1-9]\d{0,15})$/.test(size)) throw new DerError('a checkpoint is malformed');
  const lines = text.slice(blank + 2, -1).split('\n');
  if (lines.length > maxSignatures) throw new DerError('a checkpoint has too many signatures');
  return {
    origin,
    size: Number(size),
    root: decodeBase64(root),
    signed,
    signatures: lines.map(parseSignature),
  };
}

export function signCheckpoint(
  note: { readonly origin: string; readonly name: string; readonly size: number; readonly root: Buffer },
  key: KeyObject,
  keyId: Buffer,
): string {
  const signed = `${note.origin}\n${note.size}\n${note.root.toString('base64')}\n`;
  const signature = sign(hashFor(key), Buffer.from(signed), key);
  const line = Buffer.concat([keyId.subarray(0, 4), signature]).toString('base64');
  return `${signed}\n— ${note.name} ${line}\n`;
}

/** Whether the key signed the checkpoint under exactly that name. */
export function isSignedBy(
  checkpoint: Checkpoint,
  signer: { readonly name: string; readonly key: KeyObject; readonly keyId: Buffer },
): boolean {
  return checkpoint.signatures.some(
    ({ name, hint, signature }) =>
      name === signer.name &&
      hint.equals(signer.keyId.subarray(0, 4)) &&
      verifyKeySignature(Buffer.from(checkpoint.signed), signer.key, signature),
  );
}

function parseSignature(line: string): CheckpointSignature {
  const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) ?? [];
  if (name === undefined || encoded === undefined) throw new DerError('a checkpoint signature is malformed');
  const bytes = decodeBase64(encoded);
  return { name, hint: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}
