import { resolve } from 'node:path';
import { Fault, FaultList } from '../../../ground/fault/fault.ts';
import { open, toLocation } from '../../../image/oci/open.ts';
import type { FleetPlace } from '../../images/fleet-place.ts';
import { readFleet } from '../../images/read-fleet.ts';
import { type ReachOptions, reachRegistries } from '../../reach-registries.ts';
import { repositoryOf } from '../build-stage.ts';
import { digestOf } from '../handover.ts';
import { builtHere } from '../plan/build-inputs.ts';
import { setTags } from '../prove/set-tags.ts';
import { isDigestIn, readRelease } from './read-release.ts';

export interface TagStage extends ReachOptions, FleetPlace {
  readonly cwd: string;
  readonly env: FleetPlace['env'];
  /** What cg ci resolve left. */
  readonly release: string;
  readonly version: string;
  /** Also `latest`; ci.tagLatest of the project without it. Never for a version that is no release yet. */
  readonly latest?: boolean;
}

export interface TaggedRelease {
  readonly version: string;
  readonly images: readonly {
    readonly ref: string;
    readonly tags: readonly string[];
    /** Tags that were not there, or named another digest. */
    readonly set: readonly string[];
  }[];
}

/** Gives the digests of a release its version as a tag. A version names one digest for ever, so none is moved: all or nothing. */
export async function tagStage(o: TagStage): Promise<TaggedRelease> {
  const { isRelease } = readVersion(o.version);
  const fleet = await readFleet(o);
  const file = resolve(o.cwd, o.release);
  const refs = await readRelease(file);
  const repositories = builtHere(fleet).map(image => repositoryOf(image, fleet.file));
  const stranger = refs.find(ref => !repositories.some(repository => isDigestIn(repository, ref)));
  if (stranger !== undefined)
    throw new Fault('RESULTS_UNTRUSTED', {
      what: 'a digest of a repository that no image of ours is published in',
      where: file,
      expected: repositories.join(', '),
      actual: stranger.slice(0, 300),
    });
  const isLatest = isRelease && (o.latest ?? fleet.project.ci?.tagLatest ?? false);
  const looked = [];
  for (const ref of refs) looked.push(await look(ref, [o.version, ...(isLatest ? ['latest'] : [])], o));
  refuseMoved(looked, o.version);
  for (const { ref, set } of looked) if (set.length > 0) await setTags(ref, set, o);
  return {
    version: o.version,
    images: looked.map(({ ref, tags, set }) => ({ ref, tags, set })),
  };
}

/** As people write versions in tags of Git. A tag of a registry cannot hold the "+" of build metadata. */
function readVersion(text: string): { readonly isRelease: boolean } {
  const [all, before] =
    /^v?(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/.exec(
      text,
    ) ?? [];
  if (all !== undefined && text.length <= 128) return { isRelease: before === undefined };
  throw new Fault('USAGE', {
    what: 'this is no version that images can be tagged with',
    expected: 'v1.2.3, or v1.2.3-rc.1; no "+", which a tag of a registry cannot hold',
    actual: text.slice(0, 150),
  });
}

interface Looked {
  readonly ref: string;
  readonly tags: readonly string[];
  readonly set: readonly string[];
  /** What the version names already. */
  readonly other?: string;
}

async function look(ref: string, tags: readonly string[], o: TagStage): Promise<Looked> {
  const location = toLocation(ref);
  return await reachRegistries(o, [ref.split('/')[0] ?? ''], async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry } = await open(location, access, call);
    if ((await registry.head(digestOf(ref), call)) === undefined)
      throw new Fault('NOT_FOUND', {
        what: `the registry does not have ${ref}`,
        where: registry.place,
        next: 'cg ci resolve, which finds what the registry has',
      });
    const named = new Map<string, string | undefined>();
    for (const tag of tags) named.set(tag, (await registry.head(tag, call))?.digest);
    const set = tags.filter(tag => named.get(tag) !== digestOf(ref));
    const there = named.get(o.version);
    return { ref, tags, set, ...(there !== undefined && set.includes(o.version) && { other: there }) };
  });
}

function refuseMoved(looked: readonly Looked[], version: string): void {
  const faults = looked.flatMap(({ ref, other }) =>
    other === undefined
      ? []
      : [
          new Fault('TAG_TAKEN', {
            what: `${version} names another digest already`,
            where: `${ref.replace(/@.*$/, '')}:${version}`,
            expected: digestOf(ref),
            actual: other,
          }),
        ],
  );
  const [only] = faults;
  if (faults.length === 1 && only !== undefined) throw only;
  if (faults.length > 1)
    throw new FaultList('TAG_TAKEN', { what: `${version} names other digests already` }, faults);
}
