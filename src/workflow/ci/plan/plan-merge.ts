import type { EnrolledImage } from '../../../fleet/enrolment.ts';
import { Fault, FaultList } from '../../../ground/fault/fault.ts';
import type { BuildInputs } from '../../../model/build-record.ts';
import { predicateTypes } from '../../../model/statement.ts';
import { acceptedAttestations } from '../../../trust/policy/evidence/accept.ts';
import { isSource, placeOf } from '../../../trust/policy/evidence/git-source.ts';
import { dependenciesOf, finishedOn, provenanceOf } from '../../../trust/policy/evidence/provenance.ts';
import { at, isObject } from '../../../trust/policy/evidence/read.ts';
import type { ComponentEvidence } from '../../../trust/policy/gate-input.ts';
import type { Policy } from '../../../trust/policy/policy.ts';
import { resolveBases } from '../../build/resolve-bases.ts';
import { choosePlatforms } from '../../build-image.ts';
import { type GateOptions, gateImages } from '../../gate-image.ts';
import type { Fleet } from '../../images/read-fleet.ts';
import { reachRegistries } from '../../reach-registries.ts';
import { repositoryOf } from '../build-stage.ts';
import { builtHere, hashInputs, inputNames, joinInputs } from './build-inputs.ts';
import { problemOfCommit } from './commit-history.ts';
import type { PlannedImage } from './planned-image.ts';

export type PlanMerge = GateOptions;

/**
 * After a merge only what is published counts, by its signed provenance: a run that failed, a new branch and
 * evidence that nobody vouches for never skip a build. Nor does what was built from a commit that this one does not
 * follow: of it nothing says that its inputs were ever these.
 */
export async function planMerge(fleet: Fleet, o: PlanMerge): Promise<readonly PlannedImage[]> {
  const images = builtHere(fleet);
  if (images.length === 0) return [];
  if (o.policy === undefined && o.promotion === undefined)
    return images.map(({ name }) => ({
      image: name,
      build: true,
      reason: 'no policy says whose provenance could be believed',
    }));
  const published = await readPublished(fleet, images, o);
  const problem = async (commit: string | undefined) => await problemOfCommit(fleet.root, commit, o);
  return await reachRegistries(o, hostsOf(images), async access => {
    const planned: PlannedImage[] = [];
    for (const image of images) {
      const known = published.get(image.name);
      if (known === undefined || 'reason' in known) {
        planned.push({ image: image.name, build: true, reason: known?.reason ?? 'it is not published' });
        continue;
      }
      const { inputs, dockerfile } = await hashInputs(fleet, image, o);
      const { all } = await resolveBases(dockerfile, {
        access,
        platforms: choosePlatforms(image.platforms),
        buildArgs: image.buildArgs,
        ...(image.target !== undefined && { target: image.target }),
        ...(o.signal !== undefined && { signal: o.signal }),
      });
      const now = joinInputs(inputs, [...all.values()]);
      const decision = await decide(now, known, problem);
      planned.push({ image: image.name, ...decision, inputs: now.digest, published: known.ref });
    }
    return planned;
  });
}

function hostsOf(images: readonly EnrolledImage[]): string[] {
  return [...new Set(images.flatMap(({ registry }) => registry?.split('/')[0] ?? []))];
}

/** One statement of what an image was built from. */
interface Built {
  readonly inputs: unknown;
  readonly commit: string | undefined;
}

/** What the published image was built from, as somebody said whom the policy believes; or why nobody did. */
type Published =
  | { readonly ref: string; readonly built: readonly Built[] }
  | { readonly ref?: string; readonly reason: string };

async function readPublished(
  fleet: Fleet,
  images: readonly EnrolledImage[],
  o: PlanMerge,
): Promise<ReadonlyMap<string, Published>> {
  const targets = images.map(image => ({
    name: image.name,
    image: `${repositoryOf(image, fleet.file)}:${image.tag}`,
  }));
  const { input, policy } = await gateImages({
    ...o,
    targets,
    keepInput: true,
  });
  const found = new Map<string, Published>();
  const faults: Fault[] = [];
  for (const component of input?.components ?? []) {
    if (
      component.problem !== undefined &&
      component.problem.kind !== 'absent' &&
      !isHidden(component.problem)
    )
      faults.push(
        new Fault(component.problem.kind === 'untrusted' ? 'EVIDENCE_UNREADABLE' : 'NETWORK', {
          what: `what is published of ${component.name} cannot be read, so nothing says that it need not be built`,
          where: component.reference,
          actual: component.problem.message,
          next: 'run the plan again when the registry answers; or build the image: cg ci build NAME',
        }),
      );
    // Of an index its own provenance counts, and not that of a platform in it.
    if (targets.some(({ name }) => name === component.name))
      found.set(component.name, describePublished(component, policy));
  }
  const [only] = faults;
  if (faults.length > 1)
    throw new FaultList(
      only?.code ?? 'NETWORK',
      { what: `${faults.length} images cannot be planned` },
      faults,
    );
  if (only !== undefined) throw only;
  return found;
}

/** Some registries say that of what does not exist yet, and a first build must not fail of it. */
function isHidden({ message }: { readonly message: string }): boolean {
  return /^(?:DENIED|UNAUTHORIZED): /.test(message);
}

function describePublished(
  { problem, reference, repository, digest, items }: ComponentEvidence,
  policy: Policy,
): Published {
  if (problem !== undefined && isHidden(problem))
    return { reason: `${reference} is not published, or not shown to this job (${problem.message})` };
  if (problem !== undefined || digest === undefined) return { reason: `${reference} is not published yet` };
  const ref = `${repository}@${digest}`;
  const demanded = policy.requirements.find(({ type }) => type === predicateTypes.slsaprovenance1);
  const believed = provenanceOf(acceptedAttestations(items, policy, demanded?.by));
  if (believed.length === 0)
    return { ref, reason: `${reference} has no provenance by anybody whom the policy believes` };
  const built = believed
    .toSorted((a, b) => (String(finishedOn(a)) < String(finishedOn(b)) ? 1 : -1))
    .map(one => ({
      inputs: at(one.statement.predicate, 'buildDefinition', 'internalParameters', 'inputs'),
      commit: dependenciesOf(one)
        .filter(dependency => isSource(dependency, ['git']))
        .map(source => placeOf(source).commit)[0],
    }))
    .filter(({ inputs }) => isObject(inputs));
  return built.length === 0
    ? { ref, reason: `the provenance of ${reference} does not say what it was built from` }
    : { ref, built };
}

async function decide(
  now: BuildInputs,
  { built, ref }: { readonly built: readonly Built[]; readonly ref: string },
  problemOf: (commit: string | undefined) => Promise<string | undefined>,
): Promise<Pick<PlannedImage, 'build' | 'reason'>> {
  const problems: string[] = [];
  for (const { commit } of built.filter(({ inputs }) => at(inputs, 'digest') === now.digest)) {
    const problem = await problemOf(commit);
    if (problem === undefined) return { build: false, reason: `${ref} was built from the same` };
    problems.push(problem);
  }
  const [problem] = problems;
  if (problem !== undefined) return { build: true, reason: `${ref} was built ${problem}` };
  const parts = (Object.keys(inputNames) as (keyof typeof inputNames)[]).filter(
    part => at(built[0]?.inputs, part) !== now[part],
  );
  const changed = parts.map(part => inputNames[part]).join(', ');
  return { build: true, reason: `${changed || 'something'} is not what ${ref} was built from` };
}
