import { relative, resolve } from 'node:path';
import { Git } from '../../../delivery/git/git.ts';
import type { EnrolledImage } from '../../../fleet/enrolment.ts';
import { Fault, hasCode } from '../../../ground/fault/fault.ts';
import type { BuildRecord } from '../../../model/build-record.ts';
import { type Clock, systemClock } from '../../../model/clock.ts';
import { formatPlatform } from '../../../model/descriptor.ts';
import { findBase, namesOfBases } from '../../build/resolve-bases.ts';
import { choosePlatforms } from '../../build-image.ts';
import type { FleetPlace } from '../../images/fleet-place.ts';
import { type Fleet, readFleet } from '../../images/read-fleet.ts';
import { type ReachOptions, reachRegistries } from '../../reach-registries.ts';
import { builtHere, hashInputs, inputNames, joinInputs, placeOf } from '../plan/build-inputs.ts';

export interface CheckRecord extends ReachOptions, FleetPlace {
  readonly env: FleetPlace['env'];
  /** What is attested, by digest. */
  readonly image: string;
  readonly clock?: Clock;
}

/**
 * What a build says of itself, held against the checkout of this job: the job that built ran code of others. Of an
 * image that is enrolled here everything must be as the commit has it; of any other its inputs are not known here, and
 * nobody vouches for them.
 */
export async function checkRecord(record: BuildRecord, o: CheckRecord): Promise<BuildRecord> {
  const late = problemOfTimes(record, o.clock ?? systemClock);
  if (late !== undefined) throw untrusted([late], o);
  const fleet = await readFleetIfAny(o);
  const repository = o.image.replace(/@.*$/, '');
  const candidates = fleet === undefined ? [] : builtHere(fleet).filter(isPublishedAs(repository));
  if (fleet === undefined || candidates.length === 0) {
    const { inputs: _inputs, ...rest } = record;
    return rest;
  }
  let differences: readonly string[] = [];
  for (const image of candidates) {
    differences = await findDifferences(record, repository, { fleet, image }, o);
    if (differences.length === 0) return record;
  }
  throw untrusted(differences, o);
}

const skew = 3_600_000;
/** Somebody may have to agree before a job signs; after that a build is done again. */
const oldest = 7 * 86_400_000;

function problemOfTimes({ startedOn, finishedOn }: BuildRecord, clock: Clock): string | undefined {
  const [started, finished] = [Date.parse(startedOn), Date.parse(finishedOn)];
  const now = clock.now().getTime();
  // A time that is none is never in order.
  if (!(started <= finished)) return 'it ended before it began';
  if (finished > now + skew) return 'it ends in the future';
  return started < now - oldest ? 'it is older than 7 days' : undefined;
}

/** Outside of a fleet there is nothing to hold a record against. A list that was named must be there. */
async function readFleetIfAny(o: CheckRecord): Promise<Fleet | undefined> {
  try {
    return await readFleet(o);
  } catch (error) {
    const isNamed = o.imagesYaml !== undefined || Boolean(o.env['IMAGES_YAML']);
    if (!isNamed && hasCode(error, 'FILE_MISSING')) return undefined;
    throw error;
  }
}

function isPublishedAs(wanted: string): (image: EnrolledImage) => boolean {
  return ({ registry, repository }) => registry !== undefined && `${registry}/${repository}` === wanted;
}

interface Enrolled {
  readonly fleet: Fleet;
  readonly image: EnrolledImage;
}

async function findDifferences(
  record: BuildRecord,
  repository: string,
  enrolled: Enrolled,
  o: CheckRecord,
): Promise<readonly string[]> {
  const { fleet, image } = enrolled;
  const settings = differencesOfSettings(record, repository, enrolled, o);
  const { inputs, dockerfile } = await hashInputs(fleet, image, {
    ...o,
    except: await handoversOf(enrolled, o),
  });
  const bases = await differencesOfBases(record, namesOfBases(dockerfile, questionOf(image)), o);
  const now = joinInputs(inputs, record.bases);
  const parts = (Object.keys(inputNames) as (keyof typeof inputNames)[]).filter(
    part => record.inputs !== undefined && record.inputs[part] !== now[part],
  );
  const isOther = parts.length === 0 && record.inputs !== undefined && record.inputs.digest !== now.digest;
  return [
    ...settings,
    ...bases,
    ...parts.map(part => inputNames[part]),
    ...(isOther ? ['the digest of all inputs'] : []),
  ];
}

function questionOf({ platforms, buildArgs, target }: EnrolledImage) {
  return { platforms: choosePlatforms(platforms), buildArgs, ...(target !== undefined && { target }) };
}

function differencesOfSettings(
  record: BuildRecord,
  repository: string,
  { fleet, image }: Enrolled,
  { cwd }: CheckRecord,
): readonly string[] {
  const { context, dockerfile } = placeOf(fleet, image);
  const sorted = (args: BuildRecord['buildArgs'] = {}) =>
    Object.entries(args).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const compared: readonly (readonly [string, unknown, unknown])[] = [
    ['the repository', record.image, repository],
    ['the path of the Dockerfile', record.dockerfile, relative(context, dockerfile)],
    ['the folder of the context', record.context, relative(cwd, context) || '.'],
    ['the target', record.target ?? null, image.target ?? null],
    ['the platforms', record.platforms, choosePlatforms(image.platforms).map(formatPlatform)],
    ['the build arguments', sorted(record.buildArgs), sorted(image.buildArgs)],
    // A stage that builds records none.
    ['what else was fetched', record.materials ?? [], []],
  ];
  return compared.flatMap(([name, said, wanted]) =>
    JSON.stringify(said) === JSON.stringify(wanted) ? [] : [name],
  );
}

/** The bases that the Dockerfile names, no others, and each by a digest that its repository has. */
async function differencesOfBases(
  { bases }: BuildRecord,
  wanted: readonly string[],
  o: CheckRecord,
): Promise<readonly string[]> {
  const said = bases.map(({ reference }) => reference);
  if (said.toSorted().join('\n') !== wanted.toSorted().join('\n')) return ['the names of the bases'];
  return await reachRegistries(o, [], async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const strange: string[] = [];
    for (const { reference, digest } of bases)
      if (!(await findBase(reference, digest, { access, ...call })))
        strange.push(`the digest of ${reference}`);
    return strange;
  });
}

/** What the stages before left in this job is no part of any commit; what a commit has there is. */
async function handoversOf({ fleet, image }: Enrolled, o: CheckRecord): Promise<(path: string) => boolean> {
  const folder = relative(placeOf(fleet, image).context, resolve(o.cwd, '.cg'));
  if (folder.startsWith('..')) return () => false;
  const { stdout } = await new Git(o.cwd, o).try(['ls-files', '-z', '--cached', '--', '.cg']);
  if (stdout.length > 0) return () => false;
  return path => path === folder || path.startsWith(`${folder}/`);
}

function untrusted(differences: readonly string[], { image }: CheckRecord): Fault {
  return new Fault('BUILD_UNTRUSTED', {
    what: `the record of the build is not what this checkout would build: ${differences.join(', ')}`.slice(
      0,
      1000,
    ),
    where: image,
    next: 'keep what a test or a tool leaves behind out of the context (.dockerignore), and build again: cg ci build NAME',
  });
}
