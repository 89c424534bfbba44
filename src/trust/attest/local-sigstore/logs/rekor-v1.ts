import { createHash, type KeyObject, sign } from 'node:crypto';
import type { Clock } from '../../../../model/clock.ts';
import { verifyDigestSignature } from '../../certificates/digest-signature.ts';
import { decodePem, encodePem } from '../../certificates/pem.ts';
import { verifyKeySignature } from '../../certificates/signature.ts';
import { encodePreAuthentication } from '../../envelope.ts';
import { decodeBase64 } from '../../json/base64.ts';
import { canonicalJson } from '../../json/canonical-json.ts';
import { Fields } from '../../json/fields.ts';
import { type JsonObject, parseStrictJson } from '../../json/strict-json.ts';
import { hashLeaf } from '../../log/merkle-tree.ts';
import { Refusal } from '../refusal.ts';
import type { TransparencyLog } from './transparency-log.ts';
import { readVerifierKey } from './verifier-key.ts';

const entriesPath = '/api/v1/log/entries';

/** Certificates of people and pipelines have 1 to 2 KiB. */
const largestVerifier = 16 * 1024;

export interface RekorReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

/** Rekor's first API: entries with a signed promise, and a proof whenever they are asked for. */
export class RekorV1 {
  readonly #log: TransparencyLog;
  readonly #treeId: string;
  readonly #clock: Clock;

  constructor(log: TransparencyLog, treeId: bigint, clock: Clock) {
    this.#log = log;
    this.#treeId = treeId.toString(16).padStart(16, '0');
    this.#clock = clock;
  }

  async add(request: Fields): Promise<RekorReply> {
    const body = Buffer.from(canonicalJson(bodyOf(request)));
    const leaf = hashLeaf(body).toString('hex');
    const location = `${entriesPath}/${this.#treeId}${leaf}`;
    if (this.#log.find(leaf) !== undefined) {
      throw new Refusal(409, 'an equivalent entry already exists in the log', { Location: location });
    }
    const integratedTime = Math.floor(this.#clock.now().getTime() / 1000);
    const index = await this.#log.append({ body: body.toString('base64'), integratedTime });
    return {
      status: 201,
      headers: { ETag: `${this.#treeId}${leaf}`, Location: location },
      body: this.#entry(index, leaf),
    };
  }

  get(uuid: string): RekorReply {
    const leaf = uuid.slice(-64);
    const index = this.#log.find(leaf);
    if (index === undefined || ![leaf, this.#treeId + leaf].includes(uuid)) {
      throw new Refusal(404, 'the log has no such entry');
    }
    return { status: 200, body: this.#entry(index, leaf) };
  }

  head(): RekorReply {
    const signedTreeHead = this.#log.checkpoint();
    const rootHash = Buffer.from(signedTreeHead.split('\n')[2] ?? '', 'base64').toString('hex');
    const treeID = BigInt(`0x${this.#treeId}`).toString();
    return {
      status: 200,
      body: { inactiveShards: [], rootHash, signedTreeHead, treeID, treeSize: this.#log.size },
    };
  }

  #entry(index: number, leaf: string): JsonObject {
    const record = this.#log.record(index);
    const proof = this.#log.proof(index);
    const entry = {
      body: record?.body ?? '',
      integratedTime: record?.integratedTime ?? 0,
      logID: this.#log.identity.keyId.toString('hex'),
      logIndex: index,
    };
    const promise = sign('sha256', Buffer.from(canonicalJson(entry)), this.#log.identity.key);
    const inclusionProof = {
      checkpoint: proof.checkpoint,
      hashes: proof.hashes.map(hash => hash.toString('hex')),
      logIndex: index,
      rootHash: proof.root.toString('hex'),
      treeSize: proof.treeSize,
    };
    const verification = { signedEntryTimestamp: promise.toString('base64'), inclusionProof };
    return { [`${this.#treeId}${leaf}`]: { ...entry, verification } };
  }
}

/** What is stored for a request, once its signatures are checked. */
function bodyOf(request: Fields): JsonObject {
  const kind = `${request.text('kind')} ${request.text('apiVersion')}`;
  if (kind === 'hashedrekord 0.0.1') return hashedRekordBody(request.object('spec'));
  if (kind === 'dsse 0.0.1') return envelopeBody(request.object('spec'));
  throw new Refusal(400, 'the log takes entries of the kinds hashedrekord 0.0.1 and dsse 0.0.1');
}

function hashedRekordBody(spec: Fields): JsonObject {
  const hash = spec.object('data').object('hash');
  const signature = spec.object('signature');
  const content = signature.text('content');
  const verifier = readVerifier(signature.object('publicKey').text('content'));
  const value = hash.hex('value');
  if (hash.text('algorithm') !== `sha${value.length * 8}` || value.length < 32) {
    throw new Refusal(400, 'the hash is not a SHA-2 digest of the length that its algorithm has');
  }
  if (!verifyDigestSignature(value, verifier.key, decodeBase64(content))) {
    throw new Refusal(400, 'the signature does not verify');
  }
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: hash.text('algorithm'), value: value.toString('hex') } },
      signature: { content, publicKey: { content: verifier.pem } },
    },
  };
}

function envelopeBody(spec: Fields): JsonObject {
  const content = spec.object('proposedContent');
  const text = content.text('envelope');
  const verifiers = content.list('verifiers', 8).map(String).map(readVerifier);
  const envelope = new Fields(parseStrictJson(text), 'envelope');
  const payload = envelope.bytes('payload');
  const signed = encodePreAuthentication(envelope.text('payloadType'), payload);
  const signatures = envelope.objects('signatures', 8).map(item => {
    const signature = item.bytes('sig');
    const verifier = verifiers.find(({ key }) => verifyKeySignature(signed, key, signature));
    if (verifier === undefined) throw new Refusal(400, 'a signature of the envelope does not verify');
    return { signature: signature.toString('base64'), verifier: verifier.pem };
  });
  if (signatures.length === 0) throw new Refusal(400, 'the envelope has no signature');
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: { algorithm: 'sha256', value: sha256(text) },
      payloadHash: { algorithm: 'sha256', value: sha256(payload) },
      signatures,
    },
  };
}

interface Verifier {
  readonly key: KeyObject;
  /** Base64 of the PEM of the certificate or key, and of nothing else. */
  readonly pem: string;
}

/** Nobody keeps texts of their own in the log: what stands round the block, or in its lines, is left out. */
function readVerifier(encodedPem: string): Verifier {
  const [block, ...rest] = decodePem(decodeBase64(encodedPem).toString('latin1'));
  if (block === undefined || rest.length > 0 || !['CERTIFICATE', 'PUBLIC KEY'].includes(block.label))
    throw new Refusal(400, 'the verifier is not one PEM certificate or key');
  if (block.der.length > largestVerifier) throw new Refusal(400, 'the verifier is too large');
  return {
    key: readVerifierKey(block.label === 'CERTIFICATE' ? 'certificate' : 'key', block.der),
    pem: Buffer.from(encodePem(block.label, block.der)).toString('base64'),
  };
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
