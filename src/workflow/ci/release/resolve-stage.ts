import { Git } from '../../../delivery/git/git.ts';
import type { EnrolledImage } from '../../../fleet/enrolment.ts';
import { Fault, FaultList, hasCode } from '../../../ground/fault/fault.ts';
import { open } from '../../../image/oci/open.ts';
import type { FleetPlace } from '../../images/fleet-place.ts';
import { type Fleet, readFleet } from '../../images/read-fleet.ts';
import { reachRegistries } from '../../reach-registries.ts';
import { repositoryOf } from '../build-stage.ts';
import { findPolicy } from '../find-policy.ts';
import { writeHandover } from '../handover.ts';
import { builtHere, hashInputs } from '../plan/build-inputs.ts';
import { problemOfCommit } from '../plan/commit-history.ts';
import { problemOfInputs, type ReadPublished, readPublished } from '../plan/published-image.ts';
import { commitOfTag, tagOfCommit } from '../prove/set-tags.ts';
import type { Release } from './read-release.ts';
import { verifyRelease } from './verify-release.ts';

export interface ResolveStage extends ReadPublished, FleetPlace {
  readonly cwd: string;
  readonly env: FleetPlace['env'];
  /** What the work tree has checked out. */
  readonly commit: string;
  /** Also judge every digest by the policy. */
  readonly verify: boolean;
  readonly out?: string;
}

/**
 * The digests that a commit became. An image that its merge kept was published for an earlier commit, so tags only say
 * where to look: what counts is provenance by somebody whom the policy believes, of a commit in the history of this
 * one, for the inputs that this one has. Of the bases their names count, in the Dockerfile: what a tag of another
 * repository names today decides nothing about what was built then.
 */
export async function resolveStage(o: ResolveStage): Promise<Release> {
  const fleet = await readFleet(o);
  const commit = await requireCheckedOut(fleet, o);
  const choice = { ...o, ...(await findPolicy(o)) };
  if (choice.policy === undefined && choice.promotion === undefined)
    throw new Fault('USAGE', {
      what: 'no policy says whose provenance could be believed',
      expected: '--policy FILE, or policy.yaml in this folder',
    });
  const history = await readHistory(fleet, commit, o);
  const images: { image: string; ref: string }[] = [];
  const missing: Fault[] = [];
  for (const image of builtHere(fleet)) {
    const found = await findDigest(fleet, image, { ...choice, commit, history });
    if ('ref' in found) images.push({ image: image.name, ref: found.ref });
    else missing.push(missingFault(image.name, commit, found.reasons));
  }
  refuseMissing(missing, images.length, fleet, commit);
  images.sort((one, other) => (one.image < other.image ? -1 : 1));
  if (o.verify) await verifyRelease(images, () => true, choice);
  if (o.out !== undefined) await writeHandover(o.out, o.cwd, { images });
  return { images };
}

/** Inputs are those of the work tree, so it must hold exactly what the commit does. */
async function requireCheckedOut(fleet: Fleet, o: ResolveStage): Promise<string> {
  const git = new Git(fleet.root, o);
  const named = await git.try([
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${o.commit}^{commit}`,
  ]);
  const commit = named.stdout.toString('utf8').trim();
  const isKnown = named.code === 0 && /^[0-9a-f]{40,64}$/.test(commit);
  const same =
    isKnown && (await git.try(['diff', '--quiet', '--no-ext-diff', '--no-textconv', commit, '--']));
  if (same !== false && same.code === 0) return commit;
  throw new Fault('USAGE', {
    what: isKnown ? 'the work tree is not what that commit holds' : 'this repository has no such commit',
    where: fleet.root,
    actual: o.commit.slice(0, 100),
    next: isKnown
      ? `git switch --detach ${commit}`
      : 'git fetch --tags (in CI: fetch-depth: 0, GIT_DEPTH: 0)',
  });
}

const longestHistory = 10_000;

/** Commits that count, with how near they are. */
async function readHistory(
  fleet: Fleet,
  commit: string,
  o: ResolveStage,
): Promise<ReadonlyMap<string, number>> {
  const listed = await new Git(fleet.root, o).text(['rev-list', `--max-count=${longestHistory}`, commit]);
  return new Map(listed.split('\n').map((line, at) => [line.trim(), at]));
}

interface Search extends ResolveStage {
  readonly commit: string;
  readonly history: ReadonlyMap<string, number>;
}

/** What an image was published under for the nearest commits; each costs a look at all of its evidence. */
const mostCandidates = 10;

async function findDigest(
  fleet: Fleet,
  image: EnrolledImage,
  o: Search,
): Promise<{ readonly ref: string } | { readonly reasons: readonly string[] }> {
  const { inputs } = await hashInputs(fleet, image, o);
  const problem = async (built: string | undefined) =>
    await problemOfCommit(fleet.root, built, { ...o, of: o.commit });
  const reasons: string[] = [];
  for (const candidate of await listCandidates(fleet, image, o)) {
    const known = (await readPublished([{ name: image.name, image: candidate }], o)).get(image.name);
    if (known === undefined) continue;
    const reason = 'reason' in known ? known.reason : await problemOfInputs(inputs, known, problem);
    if (reason === undefined && known.ref !== undefined) return { ref: known.ref };
    reasons.push(reason ?? 'nothing is known of it');
  }
  return { reasons };
}

/** The tags of commits, nearest first; and that of the entry, of what was published without them. */
async function listCandidates(fleet: Fleet, image: EnrolledImage, o: Search): Promise<readonly string[]> {
  const repository = repositoryOf(image, fleet.file);
  const near = await reachRegistries(o, [repository.split('/')[0] ?? ''], async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry } = await open(`${repository}:${image.tag}`, access, call);
    const found: { readonly commit: string; readonly at: number }[] = [];
    try {
      for await (const tag of registry.tags(call)) {
        const commit = commitOfTag(tag);
        const at = commit === undefined ? undefined : o.history.get(commit);
        if (commit !== undefined && at !== undefined) found.push({ commit, at });
      }
    } catch (error) {
      // A repository that nothing was pushed to is none, and some registries call it a secret.
      if (!hasCode(error, 'NOT_FOUND', 'DENIED', 'UNAUTHORIZED')) throw error;
    }
    return found;
  });
  const commits = near.toSorted((one, other) => one.at - other.at).slice(0, mostCandidates);
  return [...commits.map(({ commit }) => tagOfCommit(commit)), image.tag].map(tag => `${repository}:${tag}`);
}

function missingFault(image: string, commit: string, [first, ...others]: readonly string[]): Fault {
  const more = others.length === 0 ? '' : ` (and ${others.length} more that do not fit)`;
  return new Fault('RELEASE_INCOMPLETE', {
    what: `nothing that is published of ${image} is of this commit`,
    where: commit,
    ...(first !== undefined && { actual: `${first}${more}` }),
  });
}

function refuseMissing(missing: readonly Fault[], found: number, { file }: Fleet, commit: string): void {
  if (missing.length === 0 && found === 0)
    throw new Fault('RELEASE_INCOMPLETE', {
      what: 'no image is built in this repository, so there is nothing to release',
      where: file,
    });
  const [only] = missing;
  if (missing.length === 1 && only !== undefined) throw only;
  if (missing.length > 0)
    throw new FaultList(
      'RELEASE_INCOMPLETE',
      { what: `${missing.length} images have nothing published that is of this commit`, where: commit },
      missing,
    );
}
