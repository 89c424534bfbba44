import { createHash, type KeyObject } from 'node:crypto';
import type { Bundle, BundleContent, EnvelopeContent, LogEntry } from '../../bundle/bundle.ts';
import { decodePem } from '../../certificates/pem.ts';
import { encodePreAuthentication } from '../../envelope.ts';
import { decodeBase64 } from '../../json/base64.ts';
import { Fields } from '../../json/fields.ts';
import { parseStrictJson } from '../../json/strict-json.ts';
import { encodeHashedRekordBody, keyDetailsOf } from '../../log/hashed-rekord.ts';
import { reject } from '../rejection.ts';

/** What the bundle shows as its signer: the certificate, or the bare key. */
export interface ShownSigner {
  readonly kind: 'x509Certificate' | 'publicKey';
  readonly der: Buffer;
  readonly key: KeyObject;
}

/** The entry is about this very signature of this very signer over this very content. */
export function bindEntry(entry: LogEntry, bundle: Bundle, signer: ShownSigner): void {
  const name = `${entry.kind} ${entry.version}`;
  const { content } = bundle;
  if (name === 'hashedrekord 0.0.2') return bindSecond(entry, content, signer);
  const body = new Fields(parseStrictJson(entry.body), 'log entry');
  if (`${body.text('kind')} ${body.text('apiVersion')}` !== name) {
    return reject('log', 'the log entry is of another kind than the bundle says');
  }
  const spec = body.object('spec');
  if (name === 'hashedrekord 0.0.1') return bindFirst(spec, content, signer);
  if (name === 'dsse 0.0.1' && content.kind === 'envelope') return bindEnvelope(spec, content, signer);
  if (name === 'intoto 0.0.2' && content.kind === 'envelope') return bindIntoto(spec, content, signer);
  return reject('unsupported-log-entry', `unsupported log entry ${printable(name)}`);
}

/** Rekor 2: the one possible body is built again and compared. */
function bindSecond(entry: LogEntry, content: BundleContent, signer: ShownSigner): void {
  const expected = encodeHashedRekordBody({
    digest: signedDigest(content),
    signature: content.signature,
    keyDetails: keyDetailsOf(signer.key),
    verifier: signer,
  });
  if (expected.equals(entry.body)) return;
  const spec = new Fields(parseStrictJson(entry.body), 'log entry').object('spec').object('hashedRekordV002');
  const verifier = spec.object('signature').object('verifier');
  const logged = verifier.has(signer.kind) ? verifier.object(signer.kind).bytes('rawBytes') : undefined;
  if (logged?.equals(signer.der) !== true) rejectSigner();
  reject('log-content-differs', 'the log entry is about another signature or content');
}

/** Rekor 1. For envelopes cg itself never writes this kind, but clients may (Sigstore client specification). */
function bindFirst(spec: Fields, content: BundleContent, signer: ShownSigner): void {
  const hash = spec.object('data').object('hash');
  const signature = spec.object('signature');
  checkSigner(signature.object('publicKey').text('content'), signer);
  checkContent(
    hash.text('algorithm') === 'sha256' &&
      hash.hex('value').equals(signedDigest(content)) &&
      signature.bytes('content').equals(content.signature),
  );
}

function bindEnvelope(spec: Fields, content: EnvelopeContent, signer: ShownSigner): void {
  const [signature, ...others] = spec.objects('signatures', 8);
  checkContent(signature !== undefined && others.length === 0);
  checkSigner(signature.text('verifier'), signer);
  checkContent(
    signature.bytes('signature').equals(content.signature) &&
      isHash(spec.object('payloadHash'), content.payload) &&
      (content.raw === undefined || isHash(spec.object('envelopeHash'), content.raw)),
  );
}

/** An older kind, whose signatures are base64 inside base64. */
function bindIntoto(spec: Fields, content: EnvelopeContent, signer: ShownSigner): void {
  const logged = spec.object('content');
  const envelope = logged.object('envelope');
  const [signature, ...others] = envelope.objects('signatures', 8);
  checkContent(signature !== undefined && others.length === 0);
  checkSigner(signature.text('publicKey'), signer);
  checkContent(
    decodeBase64(signature.bytes('sig').toString('latin1')).equals(content.signature) &&
      envelope.text('payloadType') === content.payloadType &&
      isHash(logged.object('payloadHash'), content.payload),
  );
}

function checkSigner(encodedPem: string, signer: ShownSigner): void {
  const [block, ...others] = decodePem(decodeBase64(encodedPem).toString('latin1'));
  const label = signer.kind === 'x509Certificate' ? 'CERTIFICATE' : 'PUBLIC KEY';
  if (others.length > 0 || block?.label !== label || !block.der.equals(signer.der)) rejectSigner();
}

function rejectSigner(): never {
  return reject('log-certificate-differs', 'transparency log certificate does not match');
}

function checkContent(isSame: boolean): asserts isSame {
  if (!isSame) reject('log-content-differs', 'the log entry is about another signature or content');
}

function isHash(hash: Fields, data: Uint8Array): boolean {
  return hash.text('algorithm') === 'sha256' && hash.hex('value').equals(sha256(data));
}

/** SHA-256 of what the signature is over. */
function signedDigest(content: BundleContent): Buffer {
  return content.kind === 'message'
    ? content.digest
    : sha256(encodePreAuthentication(content.payloadType, content.payload));
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

function printable(text: string): string {
  return text.slice(0, 60).replaceAll(/[^\x20-\x7e]/g, '?');
}
