import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import { lockFolder } from '../../../ground/store/folder-lock.ts';
import { type Clock, systemClock } from '../../../model/clock.ts';
import { spkiOf } from '../certificates/profile.ts';
import type { Claims } from '../identity-token/claims.ts';
import type { JsonObject } from '../json/strict-json.ts';
import { ed25519NoteKeyId, keyIdOf } from '../log/key-id.ts';
import { loadAuthority } from './authority/authority.ts';
import { LocalCertificateAuthority, type LoggedCertificate } from './authority/certificate-authority.ts';
import { LocalIssuer } from './identity/issuer.ts';
import { loadKeys, readIfThere } from './keys.ts';
import { RecordFile } from './logs/record-file.ts';
import { RekorV1 } from './logs/rekor-v1.ts';
import { RekorV2 } from './logs/rekor-v2.ts';
import { TransparencyLog } from './logs/transparency-log.ts';
import { answer, type LocalServices } from './routes.ts';
import { type Address, LoopbackServer } from './server.ts';
import { LocalTimestampAuthority } from './timestamp-authority.ts';
import {
  type SigningConfigVariant,
  signingConfigOf,
  startOf,
  type TrustFacts,
  trustedRootOf,
  writeTrustFiles,
} from './trust-files.ts';

export interface LocalSigstoreOptions {
  /** Each project has a certificate authority of its own. */
  readonly project: string;
  /** Where keys and logs are kept; without a folder they die with the process. */
  readonly folder?: string;
  readonly address?: Address;
  readonly clock?: Clock;
  /** Issuers whose tokens the local one may imitate, for rehearsals and tests. */
  readonly imitates?: readonly string[];
  readonly warn?: (message: string) => void;
}

/** A Sigstore of one's own: it looks real to every client and is trusted by nobody who does not name it. */
export interface LocalSigstore {
  readonly url: string;
  /** The issuer of its identity tokens; its name says that it is local. */
  readonly issuer: string;
  readonly trustedRoot: JsonObject;
  signingConfig(variant: SigningConfigVariant): JsonObject;
  mintToken(claims: Claims): string;
  close(): Promise<void>;
}

interface Identity {
  readonly url: string;
  readonly treeId: string;
}

export async function startLocalSigstore(o: LocalSigstoreOptions): Promise<LocalSigstore> {
  const { folder } = o;
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = folder === undefined ? undefined : lockFolder(folder, 'cg sigstore serve');
  const unlock = () => lock?.release();
  try {
    return await startUnlocked(o, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startUnlocked(o: LocalSigstoreOptions, unlock: () => void): Promise<LocalSigstore> {
  const keptUrl = await readIdentity(o.folder);
  const address = o.address ?? addressOf(keptUrl?.url) ?? { host: '127.0.0.1', port: 0 };
  const late: { services?: LocalServices } = {};
  const server = await listen(address, o, late);
  try {
    const identity = keptUrl ?? (await keepIdentity(o.folder, server.url));
    const { facts, services, close } = await openServices(o, identity);
    late.services = services;
    const { issuer } = services;
    if (o.folder !== undefined) await writeTrustFiles(o.folder, facts, server.url, issuer.url);
    return {
      url: server.url,
      issuer: issuer.url,
      trustedRoot: trustedRootOf(facts),
      signingConfig: variant =>
        signingConfigOf(server.url, issuer.url, startOf(facts.authority.root), variant),
      mintToken: claims => issuer.mint(claims),
      close: async () => {
        await server.close();
        await close();
        unlock();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function listen(
  address: Address,
  o: LocalSigstoreOptions,
  late: { services?: LocalServices },
): Promise<LoopbackServer> {
  try {
    return await LoopbackServer.listen(address, async request =>
      late.services === undefined ? { status: 503, headers: {}, body: '' } : answer(late.services, request),
    );
  } catch (cause) {
    throw new Fault('LOCAL_SIGSTORE_BUSY', {
      what: `The local Sigstore cannot listen on ${address.host}:${address.port}.`,
      ...(o.folder !== undefined && { where: o.folder }),
      next: 'choose another address with --addr 127.0.0.1:PORT',
      cause,
    });
  }
}

async function openServices(o: LocalSigstoreOptions, identity: Identity) {
  const clock = o.clock ?? systemClock;
  const warn = o.warn ?? (() => {});
  const keyFolder = o.folder === undefined ? undefined : join(o.folder, 'keys');
  const keys = await loadKeys(keyFolder);
  const authority = await loadAuthority(keyFolder, keys, o.project, clock.now());
  const { host, hostname } = new URL(identity.url);
  const rekorV2KeyId = ed25519NoteKeyId(hostname, spkiOf(keys['rekor-v2']));
  const logPath = await logPathsIn(o.folder);
  const ct = await RecordFile.open<LoggedCertificate>(logPath('certificates'), warn);
  const v1 = await TransparencyLog.open(
    logPath('rekor-v1'),
    {
      origin: `${host} - ${identity.treeId}`,
      name: host,
      key: keys['rekor-v1'],
      keyId: keyIdOf(spkiOf(keys['rekor-v1'])),
    },
    warn,
  );
  const v2 = await TransparencyLog.open(
    logPath('rekor-v2'),
    { origin: hostname, name: hostname, key: keys['rekor-v2'], keyId: rekorV2KeyId },
    warn,
  );
  const issuer = new LocalIssuer({
    url: `${identity.url}/local`,
    key: keys.issuer,
    clock,
    ...(o.imitates !== undefined && { imitates: o.imitates }),
  });
  const services: LocalServices = {
    keys,
    issuer,
    authority: new LocalCertificateAuthority(keys, authority, ct.file, clock),
    rekorV1: new RekorV1(v1, BigInt(identity.treeId), clock),
    rekorV2: new RekorV2(v2, clock),
    timestamps: new LocalTimestampAuthority(authority.timestamp, keys.timestamp, clock),
  };
  const facts: TrustFacts = { keys, authority, project: o.project, url: identity.url, rekorV2KeyId };
  const close = async () => {
    await Promise.all([ct.file.close(), v1.close(), v2.close()]);
  };
  return { facts, services, close };
}

async function logPathsIn(folder: string | undefined): Promise<(name: string) => string | undefined> {
  if (folder === undefined) return () => undefined;
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true, mode: 0o700 });
  return name => join(logs, `${name}.jsonl`);
}

/** The name under which the logs sign is fixed at the first start, so that old proofs stay true. */
async function readIdentity(folder: string | undefined): Promise<Identity | undefined> {
  const text = folder === undefined ? undefined : await readIfThere(join(folder, 'identity.json'));
  return text === undefined ? undefined : (JSON.parse(text) as Identity);
}

async function keepIdentity(folder: string | undefined, url: string): Promise<Identity> {
  const treeId = (randomBytes(8).readBigUInt64BE() >> 1n).toString();
  const identity = { url, treeId };
  if (folder !== undefined) {
    await writeFileAtomically(join(folder, 'identity.json'), `${JSON.stringify(identity)}\n`, {
      mode: 0o600,
      durable: true,
    });
  }
  return identity;
}

function addressOf(url: string | undefined): Address | undefined {
  if (url === undefined) return undefined;
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
