import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvidenceItem, EvidenceReasonCode } from '../../src/model/evidence.ts';
import type { Bundle } from '../../src/trust/attest/bundle/bundle.ts';
import {
  bundleFromLegacy,
  type LegacyLayer,
  legacyAnnotations,
  legacyFromBundle,
} from '../../src/trust/attest/bundle/legacy-layers.ts';
import { extension, extensions, spkiOf } from '../../src/trust/attest/certificates/profile.ts';
import { oids } from '../../src/trust/attest/der/oids.ts';
import { encode, integer, sequence } from '../../src/trust/attest/der/writer.ts';
import { canonicalJson } from '../../src/trust/attest/json/canonical-json.ts';
import type { JsonObject } from '../../src/trust/attest/json/strict-json.ts';
import { githubClaims } from '../../src/trust/attest/local-sigstore/identity/development-identity.ts';
import { keyIdOf } from '../../src/trust/attest/log/key-id.ts';
import { signMessage, signStatement } from '../../src/trust/attest/sign.ts';
import { memorySigner } from '../../src/trust/attest/signers/memory-signer.ts';
import { startKeyRun } from '../../src/trust/attest/signing-run.ts';
import { formatSimpleSigning } from '../../src/trust/attest/simple-signing.ts';
import { formatStatement } from '../../src/trust/attest/statement.ts';
import type { TrustRoot } from '../../src/trust/attest/trust-root/trust-root.ts';
import type { Expectations } from '../../src/trust/attest/verify/expectations.ts';
import { judgeItem, type Verifier } from '../../src/trust/attest/verify/judge.ts';
import { type EvidenceLab, exampleStatement, image, openEvidenceLab, otherImage } from '../evidence.ts';
import {
  bytesOf,
  type Forge,
  flip,
  type LeafOrder,
  type LooseJson,
  loose,
  openForge,
  replaceInside,
  signed,
  unknownExtension,
} from './tampering.ts';

let forge: Forge;
let lab: EvidenceLab;
let evil: EvidenceLab;
let base: Record<'v1' | 'v1-tsa' | 'v2-tsa' | 'other', Bundle>;
let layers: Record<'sig' | 'att', LegacyLayer>;

beforeAll(async () => {
  forge = await openForge();
  lab = forge.lab;
  evil = await openEvidenceLab({ imitates: [lab.sigstore.issuer] });
  const [v1, v1Tsa, v2, other] = [
    await signed(lab, 'v1'),
    await signed(lab, 'v1-tsa'),
    await signed(lab, 'v2-tsa'),
    await signed(lab, 'v2-tsa'),
  ];
  base = { v1, 'v1-tsa': v1Tsa, 'v2-tsa': v2, other };
  const run = await lab.run();
  const place = { ...lab.place('v1'), log: 'v1' } as const;
  const sig = await signMessage(run, formatSimpleSigning('registry.example/shop/web', image), place);
  const att = await signStatement(run, formatStatement(exampleStatement, 'v01'), place);
  layers = {
    sig: legacyFromBundle(sig.bundle, sig.issuers, undefined),
    att: legacyFromBundle(att.bundle, att.issuers, exampleStatement.predicateType),
  };
});

afterAll(async () => {
  await lab.sigstore.close();
  await evil.sigstore.close();
});

interface Change {
  readonly expected?: Partial<Expectations>;
  readonly roots?: (root: TrustRoot) => TrustRoot;
  readonly verifier?: Partial<Verifier>;
}

function judgeBytes(bytes: Uint8Array, change: Change = {}): EvidenceItem {
  const roots = [change.roots?.(lab.root) ?? lab.root];
  const item = { id: 'file:0', store: 'file', form: 'bundle', bytes } as const;
  return judgeItem(item, lab.expect(change.expected), { roots, ...change.verifier });
}

function judgeLayer(layer: LegacyLayer): EvidenceItem {
  const item = { id: 'sig:0', store: 'sig', form: 'layer', layer } as const;
  return judgeItem(item, lab.expect(), { roots: [lab.root] });
}

function expectRejected(item: EvidenceItem, code: EvidenceReasonCode): void {
  expect({ verified: item.verified, codes: item.reasons.map(reason => reason.code) }).toEqual({
    verified: false,
    codes: [code],
  });
}

/** One change of one genuine bundle, and the reason that it must be rejected with. */
type Row = readonly [
  name: string,
  code: EvidenceReasonCode,
  from: 'v1' | 'v1-tsa' | 'v2-tsa',
  edit: (json: LooseJson) => unknown,
];

const entry = (json: LooseJson) => json.verificationMaterial.tlogEntries[0];
const proof = (json: LooseJson) => entry(json).inclusionProof;
const stamps = (json: LooseJson) => json.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
const envelope = (json: LooseJson) => json.dsseEnvelope;
const editCheckpoint = (json: LooseJson, edit: (text: string) => string) => {
  proof(json).checkpoint.envelope = edit(proof(json).checkpoint.envelope);
};
const otherJson = () => loose(base.other);

const edits: readonly Row[] = [
  ['payload changed', 'signature', 'v2-tsa', j => (envelope(j).payload = flip(envelope(j).payload))],
  ['payload type changed', 'signature', 'v2-tsa', j => (envelope(j).payloadType = 'text/plain')],
  [
    'signature bit flipped',
    'signature',
    'v2-tsa',
    j => (envelope(j).signatures[0].sig = flip(envelope(j).signatures[0].sig)),
  ],
  [
    'signature taken from another bundle',
    'signature',
    'v2-tsa',
    j => (envelope(j).signatures = otherJson().dsseEnvelope.signatures),
  ],
  ['signature emptied', 'signature', 'v2-tsa', j => (envelope(j).signatures[0].sig = '')],
  [
    'certificate swapped for another genuine one',
    'signature',
    'v2-tsa',
    j => (j.verificationMaterial.certificate = otherJson().verificationMaterial.certificate),
  ],
  [
    'SAN bytes edited',
    'untrusted-issuer',
    'v2-tsa',
    j => editLeaf(j, raw => replaceInside(raw, 'release.yml', 'relaese.yml')),
  ],
  [
    'issuer extension edited',
    'untrusted-issuer',
    'v2-tsa',
    j => editLeaf(j, raw => replaceInside(raw, '/local', '/focal')),
  ],
  ['certificate signature flipped', 'untrusted-issuer', 'v2-tsa', j => editLeaf(j, raw => flip(raw))],
  [
    'certificate cut short',
    'malformed',
    'v2-tsa',
    j => editLeaf(j, raw => Buffer.from(raw, 'base64').subarray(0, 200).toString('base64')),
  ],
  ['log entry removed', 'log', 'v2-tsa', j => (j.verificationMaterial.tlogEntries = [])],
  [
    'log entry taken from another statement',
    'log-certificate-differs',
    'v2-tsa',
    j => (j.verificationMaterial.tlogEntries = otherJson().verificationMaterial.tlogEntries),
  ],
  [
    'log body edited',
    'log',
    'v2-tsa',
    j => (entry(j).canonicalizedBody = flip(entry(j).canonicalizedBody, 20)),
  ],
  ['log entry duplicated', 'log', 'v2-tsa', j => j.verificationMaterial.tlogEntries.push(entry(j))],
  ['log id unknown', 'untrusted-log', 'v2-tsa', j => (entry(j).logId.keyId = flip(entry(j).logId.keyId))],
  [
    'log id of the other log',
    'log',
    'v2-tsa',
    j => (entry(j).logId.keyId = loose(base.v1).verificationMaterial.tlogEntries[0].logId.keyId),
  ],
  ['entry index edited', 'log', 'v2-tsa', j => (entry(j).logIndex = '999')],
  ['entry kind edited', 'log', 'v2-tsa', j => (entry(j).kindVersion.version = '0.0.1')],
  ['entry kind invented', 'log', 'v2-tsa', j => (entry(j).kindVersion.kind = 'alpine')],
  ['inclusion proof removed', 'log', 'v2-tsa', j => delete entry(j).inclusionProof],
  ['proof hash flipped', 'log', 'v2-tsa', j => (proof(j).hashes[0] = flip(proof(j).hashes[0]))],
  ['proof hash removed', 'log', 'v2-tsa', j => proof(j).hashes.pop()],
  ['proof hash added', 'log', 'v2-tsa', j => proof(j).hashes.push(proof(j).hashes[0])],
  ['proof hash cut short', 'log', 'v2-tsa', j => (proof(j).hashes[0] = 'AAAA')],
  ['proof index edited', 'log', 'v2-tsa', j => (proof(j).logIndex = '0')],
  ['proof root edited', 'log', 'v2-tsa', j => (proof(j).rootHash = flip(proof(j).rootHash))],
  ['proof tree size edited', 'log', 'v2-tsa', j => (proof(j).treeSize = '7')],
  [
    'checkpoint root edited',
    'log',
    'v2-tsa',
    j =>
      editCheckpoint(j, text => text.replace(/\n[^\n]{44}\n/, `\n${Buffer.alloc(32).toString('base64')}\n`)),
  ],
  [
    'checkpoint size edited',
    'log',
    'v2-tsa',
    j => editCheckpoint(j, text => text.replace(/\n\d+\n/, '\n999\n')),
  ],
  [
    'checkpoint origin edited',
    'log',
    'v2-tsa',
    j => editCheckpoint(j, text => text.replace('127.0.0.1', '127.0.0.2')),
  ],
  [
    'checkpoint origin lengthened',
    'log',
    'v2-tsa',
    j => editCheckpoint(j, text => `127.0.0.1.evil${text.slice(9)}`),
  ],
  [
    'checkpoint signer renamed',
    'log',
    'v2-tsa',
    j => editCheckpoint(j, text => text.replace('— 127.0.0.1', '— 127.0.0.11')),
  ],
  [
    'checkpoint signature flipped',
    'log',
    'v2-tsa',
    j => editCheckpoint(j, text => text.replace(/(\S+)\n$/, (_, line: string) => `${flip(line)}\n`)),
  ],
  [
    'checkpoint signature removed',
    'malformed',
    'v2-tsa',
    j => editCheckpoint(j, text => text.slice(0, text.indexOf('—'))),
  ],
  [
    'checkpoint taken from the other log',
    'log',
    'v2-tsa',
    j =>
      void (proof(j).checkpoint = loose(
        base.v1,
      ).verificationMaterial.tlogEntries[0].inclusionProof.checkpoint),
  ],
  [
    'timestamp removed',
    'no-trusted-time',
    'v2-tsa',
    j => delete j.verificationMaterial.timestampVerificationData,
  ],
  [
    'timestamp signature flipped',
    'timestamp',
    'v2-tsa',
    j => (stamps(j)[0].signedTimestamp = flip(stamps(j)[0].signedTimestamp)),
  ],
  [
    'timestamp of another bundle',
    'timestamp',
    'v2-tsa',
    j =>
      void (j.verificationMaterial.timestampVerificationData =
        otherJson().verificationMaterial.timestampVerificationData),
  ],
  ['timestamp duplicated', 'timestamp', 'v2-tsa', j => stamps(j).push(stamps(j)[0])],
  [
    'timestamp year edited',
    'timestamp',
    'v2-tsa',
    j =>
      void (stamps(j)[0].signedTimestamp = replaceInside(
        stamps(j)[0].signedTimestamp,
        `${new Date().getUTCFullYear()}`,
        '2031',
      )),
  ],
  [
    'timestamp not granted',
    'timestamp',
    'v2-tsa',
    j => (stamps(j)[0].signedTimestamp = refused(stamps(j)[0].signedTimestamp)),
  ],
  ['timestamp cut short', 'malformed', 'v2-tsa', j => (stamps(j)[0].signedTimestamp = 'MIIC')],
  [
    'unknown bundle version',
    'malformed',
    'v2-tsa',
    j => (j.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.9'),
  ],
  [
    'version 0.1 with a single certificate',
    'malformed',
    'v2-tsa',
    j => (j.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1'),
  ],
  ['two signatures', 'malformed', 'v2-tsa', j => envelope(j).signatures.push(envelope(j).signatures[0])],
  ['no signature', 'malformed', 'v2-tsa', j => (envelope(j).signatures = [])],
  [
    'base64 with stray bits',
    'malformed',
    'v2-tsa',
    j => (envelope(j).payload = `${envelope(j).payload.replace(/=*$/, '')}====`),
  ],
  ['unknown field', 'malformed', 'v2-tsa', j => (j.trustMe = true)],
  ['envelope and message signature', 'malformed', 'v2-tsa', j => (j.messageSignature = {})],
  ['certificate and key', 'malformed', 'v2-tsa', j => (j.verificationMaterial.publicKey = { hint: 'x' })],
  ['certificate replaced by a key hint', 'identity', 'v2-tsa', j => replaceByHint(j)],
  [
    '33 log entries',
    'malformed',
    'v2-tsa',
    j => (j.verificationMaterial.tlogEntries = Array(33).fill(entry(j))),
  ],
  ['a negative index', 'malformed', 'v2-tsa', j => (entry(j).logIndex = '-1')],
  ['an index beyond what numbers hold', 'malformed', 'v2-tsa', j => (entry(j).logIndex = '9007199254740993')],
  [
    'signed entry timestamp flipped',
    'log',
    'v1',
    j =>
      void (entry(j).inclusionPromise.signedEntryTimestamp = flip(
        entry(j).inclusionPromise.signedEntryTimestamp,
      )),
  ],
  [
    'integrated time edited',
    'log',
    'v1',
    j => (entry(j).integratedTime = String(Number(entry(j).integratedTime) + 1)),
  ],
  ['signed entry timestamp removed', 'no-trusted-time', 'v1', j => delete entry(j).inclusionPromise],
  ['proof removed beside a promise', 'log', 'v1', j => delete entry(j).inclusionProof],
  ['index edited beside a promise', 'log', 'v1', j => (entry(j).logIndex = '12345')],
  [
    'promise of another entry',
    'log',
    'v1',
    j =>
      void (entry(j).inclusionPromise = loose(
        base['v1-tsa'],
      ).verificationMaterial.tlogEntries[0].inclusionPromise),
  ],
  [
    'body edited beside a promise',
    'log',
    'v1',
    j => (entry(j).canonicalizedBody = flip(entry(j).canonicalizedBody, 40)),
  ],
  [
    'tree id in the origin edited',
    'log',
    'v1',
    j => editCheckpoint(j, text => text.replace(/ - \d/, ' - x')),
  ],
  [
    'timestamp flipped beside a good promise',
    'timestamp',
    'v1-tsa',
    j => (stamps(j)[0].signedTimestamp = flip(stamps(j)[0].signedTimestamp)),
  ],
];

function editLeaf(json: LooseJson, edit: (raw: string) => string): void {
  const { certificate } = json.verificationMaterial;
  certificate.rawBytes = edit(certificate.rawBytes);
}

function replaceByHint(json: LooseJson): void {
  delete json.verificationMaterial.certificate;
  json.verificationMaterial.publicKey = { hint: 'x' };
}

function refused(token: string): string {
  const bytes = Buffer.from(token, 'base64');
  const at = bytes.indexOf(Buffer.from([0x30, 0x03, 0x02, 0x01, 0x00]));
  bytes[at + 4] = 2;
  return bytes.toString('base64');
}

describe('a genuine bundle', () => {
  it.each(['v1', 'v1-tsa', 'v2-tsa'] as const)('of %s is accepted, with its signer, time and log', from => {
    const item = judgeBytes(bytesOf(loose(base[from])));
    expect(item).toMatchObject({
      verified: true,
      reasons: [],
      kind: 'attestation',
      trust: 'local:lab',
      signer: { issuer: lab.sigstore.issuer, subject: lab.identity.subject },
      predicateType: exampleStatement.predicateType,
    });
    expect(item.times.length).toBe(from === 'v1-tsa' ? 2 : 1);
    expect(item.log).toBeDefined();
  });

  it.each(['sig', 'att'] as const)('in a .%s layer is accepted', kind => {
    expect(judgeLayer(layers[kind])).toMatchObject({
      verified: true,
      kind: kind === 'sig' ? 'signature' : 'attestation',
    });
  });

  it('made by the forge is accepted, so that its changes are what is rejected', async () => {
    expect(judgeBytes(bytesOf(loose(await forge.bundle()))).reasons).toEqual([]);
    expect(judgeBytes(bytesOf(loose(await forge.bundle({ log: 'v1' })))).reasons).toEqual([]);
  });
});

describe('a bundle is rejected with', () => {
  it.each(edits)('%s → %s', (_name, code, from, edit) => {
    const json = loose(base[from]);
    edit(json);
    expectRejected(judgeBytes(bytesOf(json)), code);
  });

  it('no log entry, even when none is demanded → log', () => {
    const json = loose(base['v2-tsa']);
    json.verificationMaterial.tlogEntries = [];
    expectRejected(judgeBytes(bytesOf(json), { expected: { demands: { logEntries: 0, times: 0 } } }), 'log');
  });

  it('no time, even when none is demanded → no-trusted-time', () => {
    const json = loose(base['v2-tsa']);
    delete json.verificationMaterial.timestampVerificationData;
    expectRejected(judgeBytes(bytesOf(json), { expected: { demands: { times: 0 } } }), 'no-trusted-time');
  });

  it('a key twice in its JSON → malformed', () => {
    const text = JSON.stringify(loose(base['v2-tsa'])).replace('{"mediaType"', '{"mediaType":"","mediaType"');
    expectRejected(judgeBytes(Buffer.from(text)), 'malformed');
  });

  it('values nested beyond 64 levels → malformed', () => {
    expectRejected(judgeBytes(Buffer.from(`${'['.repeat(100)}${']'.repeat(100)}`)), 'malformed');
  });

  it('more bytes than allowed → malformed', () => {
    const bytes = bytesOf(loose(base['v2-tsa']));
    expectRejected(judgeBytes(bytes, { verifier: { maxSize: 100 } }), 'malformed');
  });

  it('no JSON at all → malformed', () => {
    expectRejected(judgeBytes(Buffer.from([0xff, 0xfe])), 'malformed');
  });
});

describe('other keys are rejected:', () => {
  it('another authority with the same names, issuer and subject → untrusted-issuer', async () => {
    const run = await evil.run({ ...githubClaims(), iss: lab.sigstore.issuer });
    expect(run.signer).toMatchObject({ issuer: lab.sigstore.issuer, subject: lab.identity.subject });
    const { bundle } = await signStatement(run, formatStatement(exampleStatement), evil.place('v2-tsa'));
    expectRejected(judgeBytes(bytesOf(loose(bundle))), 'untrusted-issuer');
  });

  it('a timestamp of another authority with the same name → timestamp', async () => {
    const json = loose(base['v2-tsa']);
    stamps(json)[0] = stamps(loose(await signed(evil, 'v2-tsa')))[0];
    expectRejected(judgeBytes(bytesOf(json)), 'timestamp');
  });

  it('a log entry of another log with the same name → untrusted-log', async () => {
    const json = loose(base['v2-tsa']);
    json.verificationMaterial.tlogEntries = loose(
      await signed(evil, 'v2-tsa'),
    ).verificationMaterial.tlogEntries;
    expectRejected(judgeBytes(bytesOf(json)), 'untrusted-log');
  });

  it.each(['v1', 'v2'] as const)(
    'a %s entry for another certificate of the same key → log-certificate-differs',
    async log => {
      const leaf = forge.leaf();
      const throwaway = forge.leaf({
        key: leaf.key,
        replace: parts => ({ ...parts, name: extensions.uri('https://github.com/nobody/throwaway') }),
      });
      const bundle = await forge.bundle({ leaf, loggedLeaf: throwaway.der, log });
      expectRejected(judgeBytes(bytesOf(loose(bundle))), 'log-certificate-differs');
    },
  );

  it('the entry of a blob for an envelope → log-content-differs', async () => {
    const run = await lab.run();
    const place = { ...lab.place('v1'), log: 'v1' } as const;
    const message = await signMessage(run, Buffer.from('x'), place);
    const statement = await signStatement(run, formatStatement(exampleStatement), place);
    const mixed = { ...statement.bundle, entries: message.bundle.entries };
    expectRejected(judgeBytes(bytesOf(loose(mixed))), 'log-content-differs');
  });
});

const leaves: readonly (readonly [string, EvidenceReasonCode, LeafOrder])[] = [
  ['no extended key usage', 'certificate', { replace: p => ({ ...p, purpose: undefined }) }],
  [
    'the purpose of timestamps',
    'certificate',
    { replace: p => ({ ...p, purpose: extensions.timeStamping }) },
  ],
  ['no key usage', 'certificate', { replace: p => ({ ...p, keyUsage: undefined }) }],
  [
    'the key usage of an authority',
    'certificate',
    { replace: p => ({ ...p, keyUsage: extensions.authorityKeyUsage }) },
  ],
  [
    'the constraint of an authority',
    'certificate',
    { replace: p => ({ ...p, constraints: extensions.authority(0) }) },
  ],
  ['no subject alternative name', 'certificate', { replace: p => ({ ...p, name: undefined }) }],
  [
    'a subject alternative name that is not critical',
    'certificate',
    { replace: p => ({ ...p, name: sanOf([0x86, 'https://a'], false) }) },
  ],
  [
    'two subject alternative names',
    'certificate',
    { replace: p => ({ ...p, name: sanOf([0x86, 'https://a'], true, [0x81, 'a@b.c']) }) },
  ],
  [
    'a host name as its subject',
    'certificate',
    { replace: p => ({ ...p, name: sanOf([0x82, 'a.example'], true) }) },
  ],
  [
    'a subject with a zero byte',
    'certificate',
    { replace: p => ({ ...p, name: sanOf([0x86, 'https://a\0b'], true) }) },
  ],
  [
    'two issuers that differ',
    'certificate',
    { replace: p => ({ ...p, issuerFirst: extensions.fulcioBytes(1, 'https://other') }) },
  ],
  ['no issuer', 'certificate', { replace: p => ({ ...p, issuer: undefined, issuerFirst: undefined }) }],
  [
    'a critical extension that nobody knows',
    'certificate',
    { replace: p => ({ ...p, odd: unknownExtension() }) },
  ],
  ['an extension twice', 'malformed', { replace: p => ({ ...p, again: p['issuer'] }) }],
  [
    'an issuer that is not UTF-8',
    'malformed',
    { replace: p => ({ ...p, issuer: extension(`${oids.fulcio}.8`, encode(0x0c, Buffer.of(0xff))) }) },
  ],
  [
    'an issuer in odd DER',
    'malformed',
    {
      replace: p => ({ ...p, issuer: extension(`${oids.fulcio}.8`, Buffer.from([0x0c, 0x81, 0x01, 0x41])) }),
    },
  ],
  [
    'constraints with a boolean of 1',
    'malformed',
    {
      replace: p => ({
        ...p,
        odd: extension(oids.basicConstraints, sequence(encode(1, Buffer.of(1)), integer(0))),
      }),
    },
  ],
  ['a life of 25 hours', 'certificate', { life: 25 * 3_600_000 }],
  ['no promise of a certificate log', 'certificate-log', { sct: 'none' }],
  ['a promise whose time was edited', 'certificate-log', { sct: 'flipped' }],
  ['a promise of an unknown log', 'certificate-log', { sct: 'unknown-log' }],
  ['an end before the signature', 'expired-at-signing-time', { notBefore: new Date(Date.now() - 7_200_000) }],
  ['a start after the signature', 'expired-at-signing-time', { notBefore: new Date(Date.now() + 7_200_000) }],
];

function sanOf(
  first: readonly [number, string],
  critical: boolean,
  second?: readonly [number, string],
): Buffer {
  const names = [first, ...(second === undefined ? [] : [second])];
  const encoded = names.map(([tag, text]) => encode(tag, Buffer.from(text, 'latin1')));
  return extension(oids.subjectAltName, sequence(...encoded), critical);
}

describe('a certificate is rejected that has', () => {
  it.each(leaves)('%s → %s', async (_name, code, order) => {
    const leaf = forge.leaf(order);
    // Our log refuses certificates that it cannot read, so that it is shown a good one of the same key.
    const loggedLeaf = code === 'malformed' ? forge.leaf({ key: leaf.key }).der : leaf.der;
    const bundle = await forge.bundle({ leaf, loggedLeaf });
    expectRejected(judgeBytes(bytesOf(loose(bundle))), code);
  });
});

describe('times are rejected:', () => {
  it.each([
    ['before its authority was valid', 'timestamp', -3_600_000],
    ['after the end of the certificate', 'expired-at-signing-time', 3_600_000],
  ] as const)('a truly signed timestamp %s → %s', async (_name, code, shift) => {
    const bundle = await forge.bundle({ at: new Date(Date.now() + shift) });
    expectRejected(judgeBytes(bytesOf(loose(bundle))), code);
  });

  const past = { start: new Date('2020-01-01'), end: new Date('2020-02-01') };
  it.each([
    ['log', 'logs'],
    ['expired-at-signing-time', 'authorities'],
    ['timestamp', 'timestampAuthorities'],
    ['certificate-log', 'certificateLogs'],
  ] as const)('outside of the window of the root → %s', (code, list) => {
    const roots = (root: TrustRoot): TrustRoot => ({
      ...root,
      [list]: root[list].map(one => ({ ...one, ...past })),
    });
    expectRejected(judgeBytes(bytesOf(loose(base['v2-tsa'])), { roots }), code);
  });

  it('a trust root after its expiry → stale-trust-root, unless it is allowed', () => {
    const roots = (root: TrustRoot): TrustRoot => ({ ...root, expires: new Date('2020-01-01') });
    const bytes = bytesOf(loose(base['v2-tsa']));
    expectRejected(judgeBytes(bytes, { roots }), 'stale-trust-root');
    expect(judgeBytes(bytes, { roots, verifier: { allowStaleRoot: true } }).verified).toBe(true);
  });
});

const payload = (change: object) => Buffer.from(JSON.stringify({ ...exampleStatement, ...change }));
const statements: readonly (readonly [string, EvidenceReasonCode, () => Buffer])[] = [
  [
    'another image as its subject',
    'subject',
    () => payload({ subject: [{ name: 'x', digest: { sha256: otherImage.slice(7) } }] }),
  ],
  ['no subject', 'subject', () => payload({ subject: [] })],
  [
    'a subject without a digest',
    'subject',
    () => payload({ subject: [{ name: 'registry.example/shop/web' }] }),
  ],
  [
    'a subject with other digests only',
    'subject',
    () => payload({ subject: [{ digest: { sha512: 'ab'.repeat(64), gitCommit: 'ab'.repeat(20) } }] }),
  ],
  [
    'a digest in upper case',
    'subject',
    () => payload({ subject: [{ digest: { sha256: image.slice(7).toUpperCase() } }] }),
  ],
  [
    'an unknown statement version',
    'payload-type',
    () => payload({ _type: 'https://in-toto.io/Statement/v9' }),
  ],
  ['no predicate type', 'predicate-type', () => payload({ predicateType: '' })],
  [
    'a key twice',
    'malformed',
    () => Buffer.from(JSON.stringify(exampleStatement).replace('{', '{"subject":[],')),
  ],
  [
    'an escaped key twice',
    'malformed',
    () => Buffer.from(JSON.stringify(exampleStatement).replace('{', '{"\\u0073ubject":[],')),
  ],
  ['a list instead of an object', 'malformed', () => Buffer.from('[]')],
  ['a text as its subject', 'malformed', () => payload({ subject: 'x' })],
];

describe('a truly signed statement is rejected that has', () => {
  it.each(statements)('%s → %s', async (_name, code, build) => {
    const bundle = await forge.bundle({ payload: build() });
    expectRejected(judgeBytes(bytesOf(loose(bundle))), code);
  });

  it('another payload type → payload-type', async () => {
    const bundle = await forge.bundle({ payloadType: 'application/json' });
    expectRejected(judgeBytes(bytesOf(loose(bundle))), 'payload-type');
  });
});

describe('expectations reject', () => {
  const issuer = () => lab.sigstore.issuer;
  const subject = () => lab.identity.subject ?? '';
  const rows: readonly (readonly [string, EvidenceReasonCode, () => Partial<Expectations>])[] = [
    [
      'a longer subject',
      'identity',
      () => ({ identities: [{ issuer: issuer(), subject: `${subject()}-evil` }] }),
    ],
    [
      'a subject that only starts alike',
      'identity',
      () => ({ identities: [{ issuer: issuer(), subject: subject().slice(0, -1) }] }),
    ],
    [
      'a pattern that matches a part',
      'identity',
      () => ({
        identities: [{ issuer: issuer(), subjectRegExp: 'https://github.com/example/.*@refs/heads/mai' }],
      }),
    ],
    [
      'a pattern in another syntax',
      'identity',
      () => ({ identities: [{ issuer: issuer(), subjectRegExp: '(?=x).*' }] }),
    ],
    [
      'another issuer',
      'issuer',
      () => ({ identities: [{ issuer: 'https://accounts.example', subject: subject() }] }),
    ],
    [
      'another claim',
      'claim',
      () => ({ identities: [{ ...lab.identity, claims: { buildTrigger: 'workflow_dispatch' } }] }),
    ],
    [
      'a claim that the certificate lacks',
      'claim',
      () => ({ identities: [{ ...lab.identity, claims: { toString: 'x' } }] }),
    ],
    ['everybody when no identity is named', 'identity', () => ({ identities: [] })],
    ['an identity without an issuer', 'identity', () => ({ identities: [{ subject: subject() }] })],
    ['an identity without a subject', 'identity', () => ({ identities: [{ issuer: issuer() }] })],
    [
      'an ambiguous pair of identities',
      'identity',
      () => ({ identities: [lab.identity, { issuer: issuer(), subjectRegExp: '.*' }] }),
    ],
    [
      'another predicate type',
      'predicate-type',
      () => ({ predicateTypes: ['https://slsa.dev/provenance/v1'] }),
    ],
    [
      'a predicate type that is only a prefix',
      'predicate-type',
      () => ({ predicateTypes: ['https://example.com/predicate'] }),
    ],
    ['another image', 'subject', () => ({ digest: otherImage })],
    ['two logs when there is one', 'log', () => ({ demands: { logEntries: 2 } })],
    ['two times when there is one', 'no-trusted-time', () => ({ demands: { times: 2 } })],
    ['local evidence', 'local-trust', () => ({ trust: {} })],
  ];
  it.each(rows)('%s → %s', (_name, code, expected) => {
    expectRejected(judgeBytes(bytesOf(loose(base['v2-tsa'])), { expected: expected() }), code);
  });
});

describe('a legacy layer is rejected with', () => {
  const att = (change: Partial<LegacyLayer>): LegacyLayer => ({ ...layers.att, ...change });
  const sig = (change: Partial<LegacyLayer>): LegacyLayer => ({ ...layers.sig, ...change });
  const rows: readonly (readonly [string, EvidenceReasonCode, () => LegacyLayer])[] = [
    [
      'a space added to the envelope',
      'log-content-differs',
      () => att({ bytes: Buffer.concat([layers.att.bytes, Buffer.from(' ')]) }),
    ],
    [
      'the certificate of somebody else',
      'signature',
      () =>
        att({ annotations: { ...layers.att.annotations, [legacyAnnotations.certificate]: pemOf(base.v1) } }),
    ],
    [
      'no log bundle',
      'log',
      () => att({ annotations: { ...layers.att.annotations, [legacyAnnotations.bundle]: '' } }),
    ],
    [
      'a log bundle of the other layer',
      'log-content-differs',
      () =>
        att({
          annotations: {
            ...layers.att.annotations,
            [legacyAnnotations.bundle]: layers.sig.annotations[legacyAnnotations.bundle] ?? '',
          },
        }),
    ],
    [
      'the payload of another image',
      'signature',
      () => sig({ bytes: formatSimpleSigning('registry.example/shop/web', otherImage) }),
    ],
    [
      'no signature',
      'signature',
      () => sig({ annotations: { ...layers.sig.annotations, [legacyAnnotations.signature]: '' } }),
    ],
    [
      'two certificates in one annotation',
      'malformed',
      () =>
        sig({
          annotations: {
            ...layers.sig.annotations,
            [legacyAnnotations.certificate]: pemOf(base.v1) + pemOf(base.v1),
          },
        }),
    ],
    ['another media type', 'malformed', () => sig({ mediaType: 'text/plain' })],
  ];
  it.each(rows)('%s → %s', (_name, code, build) => {
    expectRejected(judgeLayer(build()), code);
  });

  it('a truly signed payload that is not an image signature → subject', async () => {
    const text = formatSimpleSigning('r', image)
      .toString()
      .replace('cosign container image signature', 'something else');
    const run = await lab.run();
    const { bundle, issuers } = await signMessage(run, Buffer.from(text), { ...lab.place('v1'), log: 'v1' });
    expectRejected(judgeLayer(legacyFromBundle(bundle, issuers, undefined)), 'subject');
  });

  it('a truly signed payload of another image → subject', async () => {
    const run = await lab.run();
    const { bundle, issuers } = await signMessage(run, formatSimpleSigning('r', otherImage), {
      ...lab.place('v1'),
      log: 'v1',
    });
    expectRejected(judgeLayer(legacyFromBundle(bundle, issuers, undefined)), 'subject');
  });

  const asIntoto = (version: string, change: (body: LooseJson) => void = () => {}) => {
    const { signature } = bundleFromLegacy(layers.att).content;
    const certificate = Buffer.from(layers.att.annotations[legacyAnnotations.certificate] ?? '').toString(
      'base64',
    );
    const { payload } = JSON.parse(layers.att.bytes.toString());
    const body = {
      apiVersion: version,
      kind: 'intoto',
      spec: {
        content: {
          envelope: {
            payloadType: 'application/vnd.in-toto+json',
            signatures: [
              { publicKey: certificate, sig: Buffer.from(signature.toString('base64')).toString('base64') },
            ],
          },
          payloadHash: {
            algorithm: 'sha256',
            value: createHash('sha256').update(Buffer.from(payload, 'base64')).digest('hex'),
          },
        },
      },
    };
    change(body);
    return relogged(layers.att, body);
  };

  it('nothing, when it was logged as intoto 0.0.2 by an older client', () => {
    expect(judgeLayer(asIntoto('0.0.2')).reasons).toEqual([]);
  });

  it.each<[string, EvidenceReasonCode, (body: LooseJson) => void]>([
    [
      'signature',
      'log-content-differs',
      b => (b.spec.content.envelope.signatures[0].sig = Buffer.from('QUJD').toString('base64')),
    ],
    [
      'certificate',
      'log-certificate-differs',
      b => (b.spec.content.envelope.signatures[0].publicKey = Buffer.from(pemOf(base.v1)).toString('base64')),
    ],
    ['payload hash', 'log-content-differs', b => (b.spec.content.payloadHash.value = 'ab'.repeat(32))],
    ['payload type', 'log-content-differs', b => (b.spec.content.envelope.payloadType = 'text/plain')],
  ])('another %s in an intoto entry → %s', (_name, code, change) => {
    expectRejected(judgeLayer(asIntoto('0.0.2', change)), code);
  });

  it('an intoto entry of version 0.0.1 → unsupported-log-entry, named', () => {
    const item = judgeLayer(asIntoto('0.0.1'));
    expectRejected(item, 'unsupported-log-entry');
    expect(item.reasons[0]?.message).toBe('unsupported log entry intoto 0.0.1');
  });

  it('reads back what it wrote', () => {
    expect(bundleFromLegacy(layers.att).content.kind).toBe('envelope');
  });
});

/** The layer with another log entry, truly promised by the log. */
function relogged(layer: LegacyLayer, body: object): LegacyLayer {
  const logID = keyIdOf(spkiOf(forge.keys['rekor-v1'])).toString('hex');
  const integratedTime = Math.floor(Date.now() / 1000);
  const payload = {
    body: Buffer.from(canonicalJson(body as JsonObject)).toString('base64'),
    integratedTime,
    logIndex: 77,
    logID,
  };
  const promise = sign('sha256', Buffer.from(canonicalJson(payload)), forge.keys['rekor-v1']);
  const bundle = JSON.stringify({ SignedEntryTimestamp: promise.toString('base64'), Payload: payload });
  return { ...layer, annotations: { ...layer.annotations, [legacyAnnotations.bundle]: bundle } };
}

function pemOf(bundle: Bundle): string {
  const layer = legacyFromBundle(bundle, [], undefined);
  return layer.annotations[legacyAnnotations.certificate] ?? '';
}

describe('a signature by a key', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signWith = async (log: 'newest' | 'none') => {
    const run = startKeyRun(memorySigner(pair.privateKey));
    const { bundle } = await signStatement(run, formatStatement(exampleStatement), { ...lab.place(), log });
    return bytesOf(loose(bundle));
  };

  it('is accepted with its key, logged or not', async () => {
    for (const log of ['newest', 'none'] as const) {
      const item = judgeBytes(await signWith(log), {
        expected: { keys: [stranger.publicKey, pair.publicKey] },
      });
      expect(item.reasons).toEqual([]);
      expect(item.trust).toMatch(/^key:[0-9a-f]{64}$/);
    }
  });

  it('is accepted in a legacy layer, which has no certificate then', async () => {
    for (const key of [pair, generateKeyPairSync('ec', { namedCurve: 'P-384' })]) {
      const run = startKeyRun(memorySigner(key.privateKey));
      const { bundle } = await signMessage(run, formatSimpleSigning('r', image), {
        ...lab.place(),
        services: {},
        log: 'none',
      });
      const layer = legacyFromBundle(bundle, [], undefined);
      expect(Object.keys(layer.annotations)).toEqual([legacyAnnotations.signature]);
      const item = { id: 'sig', store: 'sig', form: 'layer', layer } as const;
      const judge = (keys: KeyObject[]) => judgeItem(item, lab.expect({ keys }), { roots: [] });
      expect(judge([key.publicKey])).toMatchObject({ verified: true, kind: 'signature' });
      expect(judge([stranger.publicKey]).verified).toBe(false);
    }
  });

  it('is accepted whichever hash a larger curve was used with', async () => {
    const large = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const plain = {
      publicKey: large.publicKey,
      sign: (data: Uint8Array) => Promise.resolve(sign('sha256', data, large.privateKey)),
    };
    for (const signer of [memorySigner(large.privateKey), plain]) {
      const place = { ...lab.place(), log: 'none' } as const;
      const { bundle } = await signStatement(startKeyRun(signer), formatStatement(exampleStatement), place);
      const item = judgeBytes(bytesOf(loose(bundle)), { expected: { keys: [large.publicKey] } });
      expect(item.reasons).toEqual([]);
    }
  });

  it('is rejected with another key → identity', async () => {
    expectRejected(
      judgeBytes(await signWith('none'), { expected: { keys: [stranger.publicKey] } }),
      'identity',
    );
  });

  it('is rejected when no key is accepted → identity', async () => {
    expectRejected(judgeBytes(await signWith('none')), 'identity');
  });

  it('is rejected when a log is demanded and there is none → log', async () => {
    const expected = { keys: [pair.publicKey], demands: { logEntries: 1 } };
    expectRejected(judgeBytes(await signWith('none'), { expected }), 'log');
  });
});

describe('many items', () => {
  it('are judged alone: a bad one hides no good one and lends it nothing', async () => {
    const good = bytesOf(loose(base['v2-tsa']));
    const items = [Buffer.from('{'), good, bytesOf(loose(await signed(evil, 'v2-tsa')))].map(bytes =>
      judgeBytes(bytes),
    );
    expect(items.map(item => item.verified)).toEqual([false, true, false]);
    expect(items[0]?.signer).toBeUndefined();
  });
});
