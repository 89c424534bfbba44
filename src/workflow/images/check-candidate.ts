import type { BaseBook } from '../../fleet/state/base-book.ts';
import type { RegistryAccess } from '../../image/oci/access.ts';
import { open } from '../../image/oci/open.ts';
import { parsePlatform } from '../../image/oci/platform.ts';
import type { Call } from '../../image/oci/registry.ts';
import { formatPlatform } from '../../model/descriptor.ts';
import type { CandidateCheck } from './decide-bases.ts';
import { readDetails } from './observe-bases.ts';

/** Asks once for each digest that is no longer the one of its tag, and for its platforms when they matter. */
export function checkCandidate(access: RegistryAccess, book: BaseBook, call: Call): CandidateCheck {
  const presence = new Map<string, Promise<boolean>>();
  return async (identity, digest, platforms) => {
    const record = book.get(identity);
    const isCurrent = record?.ledger.current === digest;
    const key = `${identity}@${digest}`;
    const isThere =
      isCurrent || (await remember(presence, key, () => isPullable(identity, digest, access, call)));
    if (!isThere) return { digest, reason: 'withdrawn' };
    if (platforms.length === 0) return undefined;
    const offered = isCurrent
      ? (record?.platforms ?? [])
      : (await readDetails(identity, digest, access, call)).platforms;
    const has = new Set(offered.map(formatPlatform));
    const isOffered = (wanted: string) => {
      const parsed = parsePlatform(wanted);
      const name = 'value' in parsed ? formatPlatform(parsed.value) : wanted;
      return has.has(name) || [...has].some(other => other.startsWith(`${name}/`));
    };
    return platforms.every(isOffered) ? undefined : { digest, reason: 'platform-lost' };
  };
}

async function isPullable(
  identity: string,
  digest: string,
  access: RegistryAccess,
  call: Call,
): Promise<boolean> {
  const { registry } = await open(identity, access, call);
  return (await registry.head(digest, call)) !== undefined;
}

function remember<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const before = known.get(key);
  if (before !== undefined) return before;
  const answer = ask();
  known.set(key, answer);
  return answer;
}
