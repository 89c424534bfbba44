import { HttpClient } from '../ground/http/client.ts';
import { takeTurns } from '../ground/store/machine-lock.ts';
import { dataFolder } from '../ground/store/user-folders.ts';
import type { Clock } from '../model/clock.ts';
import {
  findRefreshedRoot,
  pinnedRoot,
  refreshedFile,
  storeRefreshedRoot,
  targetName,
} from '../trust/attest/trust-root/refreshed-root.ts';
import { mirrorSource } from '../trust/attest/trust-root/tuf/mirror.ts';
import { type Known, refresh } from '../trust/attest/trust-root/tuf/refresh.ts';

export const publicRepository = 'https://tuf-repo-cdn.sigstore.dev';

export interface UpdateTrust {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Serves the same files; what it may say is decided by the pinned root all the same. */
  readonly mirror?: URL;
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
  /** A root.json to begin with in place of the one that is published with this program. */
  readonly pinned?: string;
}

export interface UpdatedTrust {
  readonly name: string;
  readonly source: string;
  readonly rootVersion: number;
  readonly targetsVersion: number;
  readonly taken: string;
  readonly expires: string;
  /** Whether the keys are others than those that were stored before. */
  readonly changed: boolean;
  readonly path: string;
}

/** Fetches the public root anew. What was there before stays until all of the new one is proven. */
export async function updateTrust(o: UpdateTrust): Promise<UpdatedTrust> {
  const path = refreshedFile(dataFolder(o.env));
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const http = new HttpClient({ env: o.env, offline: o.offline ?? false });
  try {
    return await takeTurns(path, () => updateAt(path, http, o), call);
  } finally {
    http.close();
  }
}

async function updateAt(path: string, http: HttpClient, o: UpdateTrust): Promise<UpdatedTrust> {
  const mirror = o.mirror ?? new URL(publicRepository);
  const pinned = pinnedRoot(o.pinned);
  const before = await findRefreshedRoot(path, pinned);
  const known: Known =
    before === undefined ? { root: pinned } : { ...before.known, root: laterOf(before.known.root, pinned) };
  const now = o.clock.now();
  const source = mirrorSource(http, mirror, o.signal === undefined ? {} : { signal: o.signal });
  const refreshed = await refresh(source, known, targetName, now);
  const { name } = await storeRefreshedRoot(path, refreshed, now);
  return {
    name,
    source: mirror.origin + mirror.pathname.replace(/\/$/, ''),
    rootVersion: refreshed.root.version,
    targetsVersion: refreshed.targets.version,
    taken: now.toISOString(),
    expires: refreshed.root.expires.toISOString(),
    changed: before?.target.equals(refreshed.target) !== true,
    path,
  };
}

function laterOf(stored: Known['root'], pinned: Known['root']): Known['root'] {
  return stored.version >= pinned.version ? stored : pinned;
}
