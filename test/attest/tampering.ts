import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpClient } from '../../src/ground/http/client.ts';
import type { Bundle, LogEntry } from '../../src/trust/attest/bundle/bundle.ts';
import { formatBundle } from '../../src/trust/attest/bundle/format-bundle.ts';
import { parseCertificate } from '../../src/trust/attest/certificates/certificate.ts';
import {
  encodeToBeSigned,
  extension,
  extensions,
  randomSerial,
  signCertificate,
  spkiOf,
} from '../../src/trust/attest/certificates/profile.ts';
import {
  encodePrecertificateEntry,
  encodeTimestampList,
} from '../../src/trust/attest/certificates/signed-certificate-timestamp.ts';
import { oids } from '../../src/trust/attest/der/oids.ts';
import { encodePreAuthentication } from '../../src/trust/attest/envelope.ts';
import { namesFor } from '../../src/trust/attest/local-sigstore/authority/authority.ts';
import { githubClaims } from '../../src/trust/attest/local-sigstore/identity/development-identity.ts';
import { type LocalKeys, loadKeys } from '../../src/trust/attest/local-sigstore/keys.ts';
import { keyDetailsOf } from '../../src/trust/attest/log/hashed-rekord.ts';
import { keyIdOf } from '../../src/trust/attest/log/key-id.ts';
import { clientHttp } from '../../src/trust/attest/services/client-http.ts';
import { addToFirstRekor, addToSecondRekor } from '../../src/trust/attest/services/rekor.ts';
import { requestTimestamp } from '../../src/trust/attest/services/timestamp.ts';
import { signStatement } from '../../src/trust/attest/sign.ts';
import { formatStatement } from '../../src/trust/attest/statement.ts';
import { issueTimestamp } from '../../src/trust/attest/timestamp/token.ts';
import { type EvidenceLab, exampleStatement, openEvidenceLab } from '../evidence.ts';

/** A lab whose keys are known, so that certificates, times and signatures of any kind can be made. */
export interface Forge {
  readonly lab: EvidenceLab;
  readonly keys: LocalKeys;
  bundle(o?: ForgeOrder): Promise<Bundle>;
  leaf(o?: LeafOrder): { readonly der: Buffer; readonly key: KeyObject };
  stamp(signature: Buffer, at: Date): Buffer;
}

export interface LeafOrder {
  readonly key?: KeyObject;
  readonly replace?: (parts: Record<string, Buffer | undefined>) => Record<string, Buffer | undefined>;
  readonly notBefore?: Date;
  readonly life?: number;
  readonly sct?: 'good' | 'none' | 'flipped' | 'unknown-log';
}

export interface ForgeOrder {
  readonly leaf?: { readonly der: Buffer; readonly key: KeyObject };
  /** The certificate that the log sees, when it is another one. */
  readonly loggedLeaf?: Buffer;
  readonly payload?: Buffer;
  readonly payloadType?: string;
  readonly log?: 'v1' | 'v2';
  readonly at?: Date;
}

export async function openForge(): Promise<Forge> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-forge-'));
  const lab = await openEvidenceLab({ folder });
  const keys = await loadKeys(join(folder, 'keys'));
  const http = clientHttp(new HttpClient());
  const leaf = (o: LeafOrder = {}) => forgeLeaf(lab, keys, o);
  const stamp = (signature: Buffer, at: Date) =>
    issueTimestamp(
      {
        digestOid: oids.sha256,
        digest: createHash('sha256').update(signature).digest(),
        wantsCertificate: true,
      },
      { certificate: lab.root.timestampAuthorities[0]?.chain[0] ?? fail(), key: keys.timestamp },
      at,
    );
  return {
    lab,
    keys,
    leaf,
    stamp,
    bundle: async (o = {}) => {
      const { der, key } = o.leaf ?? leaf();
      const payload = o.payload ?? formatStatement(exampleStatement);
      const payloadType = o.payloadType ?? 'application/vnd.in-toto+json';
      const signed = encodePreAuthentication(payloadType, payload);
      const signature = sign('sha256', signed, key);
      const content = { kind: 'envelope', payloadType, payload, signature, keyId: '' } as const;
      const order = { logged: o.loggedLeaf ?? der, key, signed, content };
      const entry =
        o.log === 'v1'
          ? await logFirst({ http, url: lab.sigstore.url }, order)
          : await logSecond({ http, url: lab.sigstore.url }, order);
      const token =
        o.at === undefined
          ? await requestTimestamp({ http, url: `${lab.sigstore.url}/api/v1/timestamp` }, signature)
          : stamp(signature, o.at);
      return {
        version: '0.3',
        material: { kind: 'certificate', leaf: der },
        entries: [entry],
        timestamps: [token],
        content,
      };
    },
  };
}

interface LogOrder {
  readonly logged: Buffer;
  readonly key: KeyObject;
  readonly signed: Buffer;
  readonly content: Bundle['content'] & { kind: 'envelope' };
}

type Service = Parameters<typeof addToFirstRekor>[0];

function logSecond(service: Service, { logged, key, signed, content }: LogOrder): Promise<LogEntry> {
  const digest = createHash('sha256').update(signed).digest('base64');
  const keyDetails = keyDetailsOf(createPublicKey(key));
  const verifier = { keyDetails, x509Certificate: { rawBytes: logged.toString('base64') } };
  const signature = { content: content.signature.toString('base64'), verifier };
  return addToSecondRekor(service, { hashedRekordRequestV002: { digest, signature } });
}

function logFirst(service: Service, { logged, content }: LogOrder): Promise<LogEntry> {
  const pem = `-----BEGIN CERTIFICATE-----\n${(logged.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
  const envelope = JSON.stringify({
    payloadType: content.payloadType,
    payload: content.payload.toString('base64'),
    signatures: [{ sig: content.signature.toString('base64') }],
  });
  const verifiers = [Buffer.from(pem).toString('base64')];
  return addToFirstRekor(service, {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: { proposedContent: { envelope, verifiers } },
  });
}

function forgeLeaf(lab: EvidenceLab, keys: LocalKeys, o: LeafOrder): { der: Buffer; key: KeyObject } {
  const key = o.key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const spki = spkiOf(key);
  const issuerSpki = spkiOf(keys['certificate-intermediate']);
  const notBefore = o.notBefore ?? new Date(Math.floor(Date.now() / 1000) * 1000);
  const parts: Record<string, Buffer | undefined> = {
    keyUsage: extensions.signingKeyUsage,
    purpose: extensions.codeSigning,
    subjectKey: extensions.subjectKey(spki),
    authorityKey: extensions.authorityKey(issuerSpki),
    name: extensions.uri(lab.identity.subject ?? ''),
    issuerFirst: extensions.fulcioBytes(1, lab.sigstore.issuer),
    issuer: extensions.fulcioText(8, lab.sigstore.issuer),
  };
  const chosen = Object.values(o.replace?.(parts) ?? parts).filter(part => part !== undefined);
  const request = {
    serial: randomSerial(),
    issuer: namesFor('lab').intermediate,
    spki,
    notBefore,
    notAfter: new Date(notBefore.getTime() + (o.life ?? 600_000)),
    extensions: chosen,
  };
  const promise = forgePromise(keys, encodeToBeSigned(request), issuerSpki, o.sct ?? 'good');
  const all = promise === undefined ? chosen : [...chosen, extensions.timestamps(promise)];
  return { der: signCertificate(encodeToBeSigned(request, all), keys['certificate-intermediate']), key };
}

function forgePromise(
  keys: LocalKeys,
  signed: Buffer,
  issuerSpki: Buffer,
  kind: LeafOrder['sct'],
): Buffer | undefined {
  if (kind === 'none') return undefined;
  const at = BigInt(Date.now());
  const none = Buffer.alloc(0);
  const entry = encodePrecertificateEntry({ at, issuerSpki, signed, extensions: none });
  const signature = sign('sha256', entry, keys['ct-log']);
  return encodeTimestampList({
    logId: kind === 'unknown-log' ? randomBytes(32) : keyIdOf(spkiOf(keys['ct-log'])),
    at: kind === 'flipped' ? at + 1n : at,
    extensions: none,
    algorithm: [4, 3],
    signature,
  });
}

export function unknownExtension(): Buffer {
  return extension('1.2.3.4', Buffer.from([5, 0]), true);
}

/** A bundle as JSON that tests may change as they like. */
// oxlint-disable-next-line typescript/no-explicit-any
export type LooseJson = any;

export function loose(bundle: Bundle): LooseJson {
  return JSON.parse(formatBundle(bundle));
}

export function bytesOf(json: LooseJson): Buffer {
  return Buffer.from(JSON.stringify(json));
}

/** Changes one bit of base64 text. */
export function flip(text: string, at = -8): string {
  const bytes = Buffer.from(text, 'base64');
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes.toString('base64');
}

/** Replaces text inside the bytes of base64, at the same length. */
export function replaceInside(text: string, from: string, to: string): string {
  const bytes = Buffer.from(text, 'base64');
  const at = bytes.indexOf(from);
  if (at === -1 || from.length !== to.length) throw new Error(`"${from}" is not inside`);
  bytes.write(to, at, 'latin1');
  return bytes.toString('base64');
}

export async function signed(lab: EvidenceLab, variant: 'v1' | 'v1-tsa' | 'v2-tsa'): Promise<Bundle> {
  const run = await lab.run(githubClaims());
  return (await signStatement(run, formatStatement(exampleStatement), lab.place(variant))).bundle;
}

export function leafOf(bundle: Bundle) {
  return parseCertificate(bundle.material.kind === 'certificate' ? bundle.material.leaf : fail());
}

function fail(): never {
  throw new Error('the lab is incomplete');
}
