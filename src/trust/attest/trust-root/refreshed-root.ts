import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import { makeFolder } from '../../../ground/store/make-folder.ts';
import { Fields } from '../json/fields.ts';
import { parseStrictJson } from '../json/strict-json.ts';
import { publicGoodRoot, shippedRootVersion } from './public-good.ts';
import { parseTrustRoot, type TrustRoot } from './trust-root.ts';
import { type Metadata, parseMetadata } from './tuf/metadata.ts';
import pinned from './tuf/pinned-root.json' with { type: 'json' };
import type { Known, Refreshed } from './tuf/refresh.ts';
import { requireSignatures } from './tuf/threshold.ts';

export const targetName = 'trusted_root.json';

/** What `cg trust update` keeps: one file, so that metadata and root never disagree. */
export function refreshedFile(dataFolder: string): string {
  return join(dataFolder, 'trust', 'public-good', 'refreshed.json');
}

export interface RefreshedRoot {
  readonly known: Required<Known>;
  readonly root: TrustRoot;
  /** The trusted_root.json, as it was signed. */
  readonly target: Buffer;
}

/** The root that was published with this program: every run begins with it, or with a later one that it led to. */
export function pinnedRoot(text: string = JSON.stringify(pinned)): Metadata {
  return parseMetadata('root', 'the pinned root.json', Buffer.from(text));
}

export async function findRefreshedRoot(
  path: string,
  pin: Metadata = pinnedRoot(),
): Promise<RefreshedRoot | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) {
      return undefined;
    }
    throw damaged(path, cause);
  }
  try {
    return readRefreshedRoot(new Fields(parseStrictJson(text), ''), pin);
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/** Whoever can write the file must not be able to say whom to trust: everything in it leads back to the pinned root. */
function readRefreshedRoot(file: Fields, pin: Metadata): RefreshedRoot {
  const known = {
    root: parseMetadata('root', 'the stored root.json', file.bytes('root')),
    timestamp: parseMetadata('timestamp', 'the stored timestamp.json', file.bytes('timestamp')),
    snapshot: parseMetadata('snapshot', 'the stored snapshot.json', file.bytes('snapshot')),
    targets: parseMetadata('targets', 'the stored targets.json', file.bytes('targets')),
  };
  if (known.root.version < pin.version) throw new Error('its root is older than the pinned one');
  requireSignatures(known.root, pin, 'root');
  for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const)
    requireSignatures(known[role], known.root, role);
  const target = file.bytes('target');
  const entry = known.targets.signed.object('targets').object(targetName).object('hashes');
  if (createHash('sha256').update(target).digest('hex') !== entry.text('sha256')) {
    throw new Error('the root is not the one that was signed');
  }
  const taken = new Date(file.text('taken'));
  if (Number.isNaN(taken.getTime())) throw new Error('it has no date');
  return { known, target, root: datedRoot(target, known.root, taken) };
}

/** Refuses a root that could not be read later, before it takes the place of one that can. */
export async function storeRefreshedRoot(
  path: string,
  refreshed: Refreshed,
  taken: Date,
): Promise<TrustRoot> {
  const root = datedRoot(refreshed.target, refreshed.root, taken);
  const text = (bytes: Buffer) => bytes.toString('base64');
  const content = {
    taken: taken.toISOString(),
    root: text(refreshed.root.bytes),
    timestamp: text(refreshed.timestamp.bytes),
    snapshot: text(refreshed.snapshot.bytes),
    targets: text(refreshed.targets.bytes),
    target: text(refreshed.target),
  };
  await makeFolder(dirname(path));
  await writeFileAtomically(path, `${JSON.stringify(content)}\n`, { durable: true, mode: 0o644 });
  return root;
}

/** The later one of what ships with the program and what was fetched since. */
export async function newestPublicGoodRoot(path: string, pin?: Metadata): Promise<TrustRoot> {
  const shipped = publicGoodRoot();
  const stored = await findRefreshedRoot(path, pin);
  if (stored === undefined || stored.known.root.version < shippedRootVersion) return shipped;
  return (stored.root.taken ?? 0) > (shipped.taken ?? 0) ? stored.root : shipped;
}

function datedRoot(target: Buffer, { expires }: Metadata, taken: Date): TrustRoot {
  return { ...parseTrustRoot('public-good', target), expires, taken, origin: 'refreshed' };
}

function damaged(path: string, cause: unknown): Fault {
  return new Fault('TRUST_ROOT_INVALID', {
    what: `The refreshed trust root cannot be read: ${cause instanceof Error ? cause.message : 'malformed'}.`,
    where: path,
    next: 'remove the file (the root that ships with cg holds then) and run cg trust update',
    cause,
  });
}
