import { Fields } from '../json/fields.ts';
import { JsonError, parseStrictJson } from '../json/strict-json.ts';
import {
  type Bundle,
  type BundleContent,
  type BundleVersion,
  bundleLimits,
  type EnvelopeContent,
  type KeyMaterial,
  type LogEntry,
  type LogEntryProof,
  type MessageContent,
} from './bundle.ts';

const versions: Readonly<Record<string, BundleVersion>> = {
  'application/vnd.dev.sigstore.bundle+json;version=0.1': '0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2': '0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3': '0.3',
  'application/vnd.dev.sigstore.bundle.v0.3+json': '0.3',
};

/** Reads a Sigstore bundle; throws JsonError or DerError for everything that is not exactly one. */
export function parseBundle(bytes: Uint8Array, maxSize: number = bundleLimits.size): Bundle {
  if (bytes.length > maxSize) throw new JsonError(`a bundle is larger than ${maxSize} bytes`);
  const root = new Fields(parseStrictJson(bytes), '');
  root.only('mediaType', 'verificationMaterial', 'messageSignature', 'dsseEnvelope');
  const version = versions[root.text('mediaType')];
  if (version === undefined) throw new JsonError('the version of the bundle is not known');
  const material = root.object('verificationMaterial');
  material.only(
    'certificate',
    'x509CertificateChain',
    'publicKey',
    'tlogEntries',
    'timestampVerificationData',
  );
  return {
    version,
    material: parseMaterial(material, version),
    entries: material.objects('tlogEntries', bundleLimits.entries).map(parseEntry),
    timestamps: parseTimestamps(material),
    content: parseContent(root),
  };
}

export function parseEnvelope(envelope: Fields): EnvelopeContent {
  envelope.only('payload', 'payloadType', 'signatures');
  const [signature, ...others] = envelope.objects('signatures', 8);
  if (signature === undefined || others.length > 0)
    throw new JsonError('an envelope needs exactly one signature');
  signature.only('sig', 'keyid');
  return {
    kind: 'envelope',
    payloadType: envelope.text('payloadType'),
    payload: envelope.bytes('payload'),
    signature: signature.bytes('sig'),
    keyId: signature.text('keyid'),
  };
}

function parseMaterial(material: Fields, version: BundleVersion): KeyMaterial {
  const given = ['certificate', 'x509CertificateChain', 'publicKey'].filter(name => material.has(name));
  if (given.length !== 1) throw new JsonError('a bundle needs exactly one certificate or key');
  if (material.has('publicKey')) {
    return { kind: 'key', hint: material.object('publicKey').only('hint').text('hint') };
  }
  if (material.has('certificate')) {
    if (version !== '0.3') throw new JsonError(`a bundle of version ${version} holds a certificate chain`);
    const leaf = material.object('certificate').only('rawBytes').bytes('rawBytes');
    return { kind: 'certificate', leaf };
  }
  if (version === '0.3') throw new JsonError('a bundle of version 0.3 holds no certificate chain');
  const chain = material.object('x509CertificateChain').only('certificates');
  const [leaf] = chain.objects('certificates', bundleLimits.certificates);
  if (leaf === undefined) throw new JsonError('the certificate chain of the bundle is empty');
  return { kind: 'certificate', leaf: leaf.only('rawBytes').bytes('rawBytes') };
}

export function parseEntry(entry: Fields): LogEntry {
  entry.only(
    'logIndex',
    'logId',
    'kindVersion',
    'integratedTime',
    'inclusionPromise',
    'inclusionProof',
    'canonicalizedBody',
  );
  const kind = entry.object('kindVersion').only('kind', 'version');
  const promise = entry.has('inclusionPromise')
    ? entry.object('inclusionPromise').only('signedEntryTimestamp').bytes('signedEntryTimestamp')
    : undefined;
  return {
    logIndex: entry.count('logIndex'),
    logId: entry.object('logId').only('keyId').bytes('keyId'),
    kind: kind.text('kind'),
    version: kind.text('version'),
    integratedTime: entry.count('integratedTime'),
    body: entry.bytes('canonicalizedBody'),
    ...(promise !== undefined && { promise }),
    ...(entry.has('inclusionProof') && { proof: parseProof(entry.object('inclusionProof')) }),
  };
}

function parseProof(proof: Fields): LogEntryProof {
  proof.only('logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint');
  const hashes = proof.list('hashes', bundleLimits.proofHashes);
  return {
    logIndex: proof.count('logIndex'),
    rootHash: proof.bytes('rootHash'),
    treeSize: proof.count('treeSize'),
    hashes: hashes.map(hash => new Fields({ hash }, 'hashes').bytes('hash')),
    checkpoint: proof.object('checkpoint').only('envelope').text('envelope'),
  };
}

function parseTimestamps(material: Fields): Buffer[] {
  if (!material.has('timestampVerificationData')) return [];
  return material
    .object('timestampVerificationData')
    .only('rfc3161Timestamps')
    .objects('rfc3161Timestamps', bundleLimits.timestamps)
    .map(timestamp => timestamp.only('signedTimestamp').bytes('signedTimestamp'));
}

function parseContent(root: Fields): BundleContent {
  if (root.has('messageSignature') === root.has('dsseEnvelope')) {
    throw new JsonError('a bundle needs exactly one envelope or message signature');
  }
  return root.has('dsseEnvelope')
    ? parseEnvelope(root.object('dsseEnvelope'))
    : parseMessage(root.object('messageSignature'));
}

function parseMessage(message: Fields): MessageContent {
  const digest = message
    .only('messageDigest', 'signature')
    .object('messageDigest')
    .only('algorithm', 'digest');
  if (digest.text('algorithm') !== 'SHA2_256' || digest.bytes('digest').length !== 32) {
    throw new JsonError('the message digest is not SHA-256');
  }
  return { kind: 'message', digest: digest.bytes('digest'), signature: message.bytes('signature') };
}
