import type { Bundle, LogEntry, LogEntryProof } from '../../bundle/bundle.ts';
import { verifyKeySignature } from '../../certificates/signature.ts';
import { canonicalJson } from '../../json/canonical-json.ts';
import { isSignedBy, parseCheckpoint } from '../../log/checkpoint.ts';
import { hashLeaf, rootOfProof } from '../../log/merkle-tree.ts';
import { hostOf, isWithin, type TrustedLog } from '../../trust-root/trust-root.ts';
import { reject } from '../rejection.ts';

export interface VerifiedEntry {
  readonly entry: LogEntry;
  readonly log: TrustedLog;
  /** When the log promised the entry; only a verified promise tells. */
  readonly at?: Date;
}

/** The entry is really in a log of the trust root, proven by its promise, its proof, or both. */
export function verifyEntry(entry: LogEntry, bundle: Bundle, logs: readonly TrustedLog[]): VerifiedEntry {
  const log = logs.find(({ keyId }) => keyId.equals(entry.logId));
  if (log === undefined) {
    // Another Sigstore than ours is a stranger, and no forger.
    return reject('untrusted-log', 'the entry is in a log that the trust root does not know');
  }
  checkCompleteness(entry, bundle);
  if (entry.proof !== undefined) checkProof(entry, entry.proof, log);
  if (entry.promise === undefined) return { entry, log };
  return { entry, log, at: checkPromise(entry, entry.promise, log) };
}

export function isSecondGeneration(entry: LogEntry): boolean {
  return entry.kind === 'hashedrekord' && entry.version === '0.0.2';
}

function checkCompleteness(entry: LogEntry, { version }: Bundle): void {
  if (version === '0.1' && entry.promise === undefined) {
    reject('log', 'a bundle of version 0.1 needs a signed entry timestamp');
  }
  if (version !== '0.1' && entry.proof === undefined) {
    reject('log', `a bundle of version ${version} needs an inclusion proof`);
  }
}

function checkPromise(entry: LogEntry, promise: Buffer, log: TrustedLog): Date {
  const signed = canonicalJson({
    body: entry.body.toString('base64'),
    integratedTime: entry.integratedTime,
    logID: entry.logId.toString('hex'),
    logIndex: entry.logIndex,
  });
  if (!verifyKeySignature(Buffer.from(signed), log.key, promise)) {
    reject('log', 'the signed entry timestamp of the log does not verify');
  }
  const at = new Date(entry.integratedTime * 1000);
  if (entry.integratedTime === 0 || !isWithin(log, at)) {
    reject('log', 'the entry was logged outside of the validity of the log key');
  }
  return at;
}

function checkProof(entry: LogEntry, proof: LogEntryProof, log: TrustedLog): void {
  const checkpoint = parseCheckpoint(proof.checkpoint);
  const isSecond = isSecondGeneration(entry);
  const url = new URL(log.baseUrl);
  const name = isSecond ? hostOf(log.baseUrl) : url.host;
  const isOrigin = isSecond ? checkpoint.origin === name : isFirstOrigin(checkpoint.origin, name);
  if (!isOrigin) reject('log', 'the checkpoint is of another log', { wanted: name, got: checkpoint.origin });
  if (!isSignedBy(checkpoint, { name, key: log.key, keyId: log.keyId })) {
    reject('log', 'the signature of the checkpoint does not verify');
  }
  if (checkpoint.size !== proof.treeSize || !checkpoint.root.equals(proof.rootHash)) {
    reject('log', 'the proof and its checkpoint are about different trees');
  }
  if (isSecond && proof.logIndex !== entry.logIndex) reject('log', 'the entry has two different indexes');
  const path = { index: proof.logIndex, treeSize: checkpoint.size, hashes: proof.hashes };
  if (rootOfProof(hashLeaf(entry.body), path)?.equals(checkpoint.root) !== true) {
    reject('log', 'the inclusion proof does not lead to the root of the checkpoint');
  }
}

/** Rekor 1 writes its host and the id of the tree. */
function isFirstOrigin(origin: string, host: string): boolean {
  return origin.startsWith(`${host} - `) && /^\d+$/.test(origin.slice(host.length + 3));
}
