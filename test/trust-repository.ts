import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../src/trust/attest/json/strict-json.ts';
import { canonicalText } from '../src/trust/attest/trust-root/tuf/canonical.ts';

export interface RepositoryKey {
  readonly id: string;
  readonly public: JsonObject;
  sign(payload: Buffer): Buffer;
}

export function makeKey(id: string, kind: 'ed25519' | 'ecdsa' | 'rsa'): RepositoryKey {
  if (kind === 'ed25519') {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
    return keyOf(id, 'ed25519', 'ed25519', raw, payload => sign(null, payload, privateKey));
  }
  if (kind === 'ecdsa') {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return keyOf(id, 'ecdsa', 'ecdsa-sha2-nistp256', pemOf(publicKey), payload =>
      sign('sha256', payload, privateKey),
    );
  }
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pss = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return keyOf(id, 'rsa', 'rsassa-pss-sha256', pemOf(publicKey), payload => sign('sha256', payload, pss));
}

function keyOf(
  id: string,
  keytype: string,
  scheme: string,
  value: string,
  signer: RepositoryKey['sign'],
): RepositoryKey {
  return { id, public: { keytype, scheme, keyval: { public: value } }, sign: signer };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

export function signDocument(signed: JsonObject, keys: readonly RepositoryKey[]): Buffer {
  const payload = Buffer.from(canonicalText(signed));
  const signatures = keys.map(key => ({ keyid: key.id, sig: key.sign(payload).toString('hex') }));
  return Buffer.from(JSON.stringify({ signatures, signed }));
}

export interface RepositoryKeys {
  readonly root: readonly RepositoryKey[];
  readonly online: readonly RepositoryKey[];
}

export function rootDocument(
  version: number,
  { root, online }: RepositoryKeys,
  more: JsonObject = {},
): JsonObject {
  const idsOf = (keys: readonly RepositoryKey[]) => keys.map(({ id }) => id);
  return {
    _type: 'root',
    spec_version: '1.0.31',
    version,
    expires: '2030-01-01T00:00:00Z',
    consistent_snapshot: true,
    keys: Object.fromEntries([...root, ...online].map(key => [key.id, key.public])),
    roles: {
      root: { keyids: idsOf(root), threshold: 2 },
      targets: { keyids: idsOf(root), threshold: 2 },
      snapshot: { keyids: idsOf(online), threshold: 1 },
      timestamp: { keyids: idsOf(online), threshold: 1 },
    },
    ...more,
  };
}

export interface Publication {
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
  readonly target: Buffer;
  /** Fields to say otherwise. */
  readonly change?: Partial<Record<'timestamp' | 'snapshot' | 'targets', JsonObject>>;
  readonly signers?: Partial<Record<'timestamp' | 'snapshot' | 'targets', readonly RepositoryKey[]>>;
}

/** All files of one publication but the roots, each listed by the one before it. */
export function publish(keys: RepositoryKeys, p: Publication): Map<string, Buffer> {
  const { change = {}, signers = {} } = p;
  const head = { spec_version: '1.0.31', expires: '2029-01-01T00:00:00Z' };
  const targetEntry = { 'trusted_root.json': describe(p.target) };
  const targets = signDocument(
    { ...head, _type: 'targets', version: p.targets, targets: targetEntry, ...change.targets },
    signers.targets ?? keys.root,
  );
  const snapshotMeta = { 'targets.json': { version: p.targets, ...describe(targets) } };
  const snapshot = signDocument(
    { ...head, _type: 'snapshot', version: p.snapshot, meta: snapshotMeta, ...change.snapshot },
    signers.snapshot ?? keys.online,
  );
  const timestampMeta = { 'snapshot.json': { version: p.snapshot, ...describe(snapshot) } };
  const timestamp = signDocument(
    { ...head, _type: 'timestamp', version: p.timestamp, meta: timestampMeta, ...change.timestamp },
    signers.timestamp ?? keys.online,
  );
  return new Map([
    ['timestamp.json', timestamp],
    [`${p.snapshot}.snapshot.json`, snapshot],
    [`${p.targets}.targets.json`, targets],
    [`targets/${describe(p.target).hashes.sha256}.trusted_root.json`, p.target],
  ]);
}

export function describe(bytes: Buffer): { length: number; hashes: { sha256: string } } {
  return { length: bytes.length, hashes: { sha256: createHash('sha256').update(bytes).digest('hex') } };
}

export interface ServedRepository {
  readonly url: URL;
  readonly files: Map<string, Buffer | ((response: ServerResponse) => void)>;
  close(): Promise<void>;
}

export async function serveRepository(): Promise<ServedRepository> {
  const files: ServedRepository['files'] = new Map();
  const server = createServer((request, response) => {
    const file = files.get((request.url ?? '').slice('/tuf/'.length));
    if (typeof file === 'function') file(response);
    else response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/tuf`),
    files,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
