import type { Snapshot } from '../../delivery/git/snapshot.ts';
import { kustomizationFile } from '../../delivery/gitops/kustomization.ts';
import { readEnvironment } from './edit-environment.ts';
import { type Environment } from './environments.ts';

/** A digest that an environment had, and since when. */
export interface PastPin {
  readonly digest: string;
  readonly tag?: string;
  /** Seconds since 1970: the commit that brought it. */
  readonly since: number;
  readonly commit: string;
}

const mostCommits = 500;

/** The digests of one entry, newest first, as the history of its file tells; each once for each time that it came. */
export async function digestHistory(
  head: Snapshot,
  environment: Environment,
  name: string,
): Promise<readonly PastPin[]> {
  const { path } = await readEnvironment(head, environment);
  const found: PastPin[] = [];
  for (const { commit, time } of await head.history(path, mostCommits)) {
    const text = await head.read(path, commit);
    const read = text === undefined ? undefined : kustomizationFile.find(text);
    const pin =
      read === undefined || 'refusals' in read ? undefined : read.pins.find(one => one.name === name);
    if (pin?.digest === undefined) continue;
    const last = found.at(-1);
    const entry = { digest: pin.digest, since: time, commit, ...(pin.tag !== undefined && { tag: pin.tag }) };
    // The oldest commit of a run of equal digests is the one that brought it.
    if (last?.digest === pin.digest) found[found.length - 1] = entry;
    else found.push(entry);
  }
  return found;
}
