import { type FileReference, readMetaEntry, readReference, requireMatch } from './file-reference.ts';
import { type Metadata, parseMetadata, type Role } from './metadata.ts';
import { refuse } from './refusal.ts';
import { requireSignatures } from './threshold.ts';

/** Reads a file of the repository, never more than `limit` bytes; undefined when there is none. */
export type Source = (file: string, limit: number) => Promise<Buffer | undefined>;

/** What a run begins with: the root it believes, and what an earlier run has seen. */
export interface Known {
  readonly root: Metadata;
  readonly timestamp?: Metadata;
  readonly snapshot?: Metadata;
  readonly targets?: Metadata;
}

export interface Refreshed extends Required<Known> {
  readonly target: Buffer;
}

const mostRotations = 64;
const limits = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000, target: 4 << 20 };

/** The client workflow (TUF 1.0 §5.3 to §5.7) for one target of the top level; delegations are not followed. */
export async function refresh(source: Source, known: Known, target: string, now: Date): Promise<Refreshed> {
  const root = await followRoots(source, known.root, now);
  const before = believable(known, root);
  const timestamp = await readTimestamp(source, root, before, now);
  const snapshot = await readListed(source, root, 'snapshot', timestamp, now);
  requireNoRollback(snapshot, before.snapshot);
  const targets = await readListed(source, root, 'targets', snapshot, now);
  requireNotOlder(targets, before.targets);
  return { root, timestamp, snapshot, targets, target: await readTarget(source, targets, target) };
}

/** Each root is signed by the one before and by itself, and none is left out (§5.3). */
async function followRoots(source: Source, first: Metadata, now: Date): Promise<Metadata> {
  let root = first;
  for (let rotations = 0; ; rotations++) {
    const file = `${root.version + 1}.root.json`;
    const bytes = await source(file, limits.root);
    if (bytes === undefined) break;
    if (rotations === mostRotations) throw refuse(file, `more than ${mostRotations} roots follow each other`);
    const next = parseMetadata('root', file, bytes);
    requireSignatures(next, root, 'root');
    requireSignatures(next, next, 'root');
    requireVersion(next, root.version + 1);
    root = next;
  }
  requireFresh(root, now);
  if (root.signed.raw('consistent_snapshot') !== true) {
    throw refuse(root.file, 'the repository has no consistent snapshots');
  }
  return root;
}

/** What keys signed that the root has since withdrawn says nothing about rollback (§5.3.11). */
function believable({ timestamp, snapshot, targets }: Known, root: Metadata): Omit<Known, 'root'> {
  const isSigned = (document: Metadata, role: Role) => {
    try {
      requireSignatures(document, root, role);
      return true;
    } catch {
      return false;
    }
  };
  if (timestamp === undefined || !isSigned(timestamp, 'timestamp')) return {};
  if (snapshot === undefined || !isSigned(snapshot, 'snapshot')) return { timestamp };
  if (targets === undefined || !isSigned(targets, 'targets')) return { timestamp, snapshot };
  return { timestamp, snapshot, targets };
}

async function readTimestamp(
  source: Source,
  root: Metadata,
  before: Omit<Known, 'root'>,
  now: Date,
): Promise<Metadata> {
  const file = 'timestamp.json';
  const fetched = parseMetadata('timestamp', file, await need(source, file, limits.timestamp));
  requireSignatures(fetched, root, 'timestamp');
  requireNotOlder(fetched, before.timestamp);
  // The same version again is not read a second time (§5.4.3.1): it may not say something else.
  const timestamp = fetched.version === before.timestamp?.version ? before.timestamp : fetched;
  if (before.timestamp !== undefined) {
    const [is, was] = [timestamp, before.timestamp].map(
      ({ signed }) => readMetaEntry(signed, file, 'snapshot.json').version,
    );
    if ((is ?? 0) < (was ?? 0)) throw rolledBack(file, 'snapshot.json', was, is);
  }
  requireFresh(timestamp, now);
  return timestamp;
}

/** A file that another one lists, with exactly the version, length and hashes that are written there (§5.5, §5.6). */
async function readListed(
  source: Source,
  root: Metadata,
  role: 'snapshot' | 'targets',
  list: Metadata,
  now: Date,
): Promise<Metadata> {
  const reference = readMetaEntry(list.signed, list.file, `${role}.json`);
  const file = `${reference.version}.${role}.json`;
  const bytes = await need(source, file, Math.min(limits[role], reference.length ?? limits[role]));
  requireMatch(file, bytes, reference);
  const document = parseMetadata(role, file, bytes);
  requireSignatures(document, root, role);
  requireVersion(document, reference.version);
  requireFresh(document, now);
  return document;
}

/** No file that was listed is listed with a lower version, or not at all (§5.5.5). */
function requireNoRollback(snapshot: Metadata, before: Metadata | undefined): void {
  if (before === undefined) return;
  requireNotOlder(snapshot, before);
  for (const name of Object.keys(before.signed.raw('meta') ?? {})) {
    const was = readMetaEntry(before.signed, before.file, name).version;
    const is = readMetaEntry(snapshot.signed, snapshot.file, name).version;
    if (is < was) throw rolledBack(snapshot.file, name, was, is);
  }
}

async function readTarget(source: Source, targets: Metadata, name: string): Promise<Buffer> {
  const reference = readTargetEntry(targets, name);
  const { length, hashes } = reference;
  const sha256 = hashes.get('sha256');
  if (length === undefined || length > limits.target || sha256 === undefined) {
    throw refuse(targets.file, `${name} has no sha256 and no length below 4 MiB`);
  }
  const file = `targets/${sha256}.${name}`;
  const bytes = await need(source, file, length);
  requireMatch(file, bytes, reference);
  return bytes;
}

function readTargetEntry(targets: Metadata, name: string): FileReference {
  try {
    return readReference(targets.signed.object('targets').object(name));
  } catch (cause) {
    throw refuse(targets.file, cause instanceof Error ? cause.message : `${name} is not described`);
  }
}

async function need(source: Source, file: string, limit: number): Promise<Buffer> {
  const bytes = await source(file, limit);
  if (bytes === undefined) throw refuse(file, 'it is missing, though the repository says that it is there');
  return bytes;
}

function requireVersion({ file, version }: Metadata, expected: number): void {
  if (version === expected) return;
  throw refuse(file, 'it has another version than announced', {
    expected: `version ${expected}`,
    actual: `version ${version}`,
  });
}

function requireNotOlder(document: Metadata, before: Metadata | undefined): void {
  if (before === undefined || document.version >= before.version) return;
  throw rolledBack(document.file, 'it', before.version, document.version);
}

function rolledBack(file: string, name: string, was?: number, is?: number): Error {
  return refuse(file, `${name} is older than what was seen before (rollback)`, {
    expected: `version ${was} or later`,
    actual: `version ${is}`,
  });
}

function requireFresh({ file, expires }: Metadata, now: Date): void {
  if (expires > now) return;
  throw refuse(file, `it expired on ${expires.toISOString()} (frozen mirror, or a clock that is wrong)`);
}
