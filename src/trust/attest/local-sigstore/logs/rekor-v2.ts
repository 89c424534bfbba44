import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../../../model/clock.ts';
import { verifyDigestSignature } from '../../certificates/digest-signature.ts';
import type { Fields } from '../../json/fields.ts';
import { encodeHashedRekordBody } from '../../log/hashed-rekord.ts';
import { hashLeaf } from '../../log/merkle-tree.ts';
import { Refusal } from '../refusal.ts';
import type { RekorReply } from './rekor-v1.ts';
import type { TransparencyLog } from './transparency-log.ts';
import { readVerifierKey } from './verifier-key.ts';

/** Rekor's second API: only digests with a signature, and a proof at once instead of a promise. */
export class RekorV2 {
  readonly #log: TransparencyLog;
  readonly #clock: Clock;

  constructor(log: TransparencyLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  async add(request: Fields): Promise<RekorReply> {
    if (!request.has('hashedRekordRequestV002')) {
      throw new Refusal(400, 'the log takes only requests of the kind hashedRekordRequestV002');
    }
    const body = checkedBody(request.object('hashedRekordRequestV002'));
    const leaf = hashLeaf(body).toString('hex');
    const known = this.#log.find(leaf);
    const integratedTime = Math.floor(this.#clock.now().getTime() / 1000);
    const record = { body: body.toString('base64'), integratedTime };
    const index = known ?? (await this.#log.append(record));
    const proof = this.#log.proof(index);
    return {
      status: 201,
      body: {
        logIndex: String(index),
        logId: { keyId: this.#log.identity.keyId.toString('base64') },
        kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
        inclusionProof: {
          logIndex: String(index),
          rootHash: proof.root.toString('base64'),
          treeSize: String(proof.treeSize),
          hashes: proof.hashes.map(hash => hash.toString('base64')),
          checkpoint: { envelope: proof.checkpoint },
        },
        canonicalizedBody: record.body,
      },
    };
  }

  checkpoint(): string {
    return this.#log.checkpoint();
  }
}

function checkedBody(request: Fields): Buffer {
  const digest = request.bytes('digest');
  const signature = request.object('signature');
  const verifier = signature.object('verifier');
  const content = signature.bytes('content');
  if (!verifyDigestSignature(digest, keyOf(verifier), content)) {
    throw new Refusal(400, 'the signature does not verify');
  }
  const isCertificate = verifier.has('x509Certificate');
  return encodeHashedRekordBody({
    digest,
    signature: content,
    keyDetails: verifier.text('keyDetails'),
    verifier: {
      kind: isCertificate ? 'x509Certificate' : 'publicKey',
      der: verifier.object(isCertificate ? 'x509Certificate' : 'publicKey').bytes('rawBytes'),
    },
  });
}

function keyOf(verifier: Fields): KeyObject {
  return verifier.has('x509Certificate')
    ? readVerifierKey('certificate', verifier.object('x509Certificate').bytes('rawBytes'))
    : readVerifierKey('key', verifier.object('publicKey').bytes('rawBytes'));
}
