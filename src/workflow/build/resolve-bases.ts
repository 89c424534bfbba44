import { Fault, FaultList } from '../../ground/fault/fault.ts';
import type { ResolvedBase } from '../../image/build/builder.ts';
import { placeOf } from '../../image/build/embedded/instruction-context.ts';
import { platformArguments } from '../../image/build/embedded/platform-arguments.ts';
import type { Dockerfile } from '../../image/dockerfile/instruction.ts';
import { findMentions, type ImageMention } from '../../image/dockerfile/references.ts';
import type { RegistryAccess } from '../../image/oci/access.ts';
import { open } from '../../image/oci/open.ts';
import type { Call } from '../../image/oci/registry.ts';
import type { Platform } from '../../model/descriptor.ts';
import type { Digest } from '../../model/digest.ts';
import { parseImageReference } from '../../model/image-reference.ts';

export interface ResolvedBases {
  readonly all: ReadonlyMap<string, ResolvedBase>;
  /** What the image itself stands on; none when it stands on nothing. */
  readonly main?: ResolvedBase;
}

/** What decides which images a Dockerfile names. */
interface Question {
  readonly platforms: readonly Platform[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
}

interface Options extends Call, Question {
  readonly access: RegistryAccess;
}

/** Asks for each image that the build needs once, so that all of it stands on the same bytes. */
export async function resolveBases(dockerfile: Dockerfile, o: Options): Promise<ResolvedBases> {
  const mentions = mentionsOf(dockerfile, o);
  refuseUnresolved(dockerfile, mentions);
  const all = new Map<string, ResolvedBase>();
  for (const mention of mentions) {
    if (!all.has(mention.image)) all.set(mention.image, await resolveBase(dockerfile, mention, o));
  }
  const main = mentions.find(({ kind }) => kind === 'base');
  const resolved = main === undefined ? undefined : all.get(main.image);
  return { all, ...(resolved !== undefined && { main: resolved }) };
}

/** The images that a build needs, each once, as the Dockerfile names them. */
export function namesOfBases(dockerfile: Dockerfile, o: Question): readonly string[] {
  return [...new Set(mentionsOf(dockerfile, o).map(({ image }) => image))];
}

/** Whether a base, as a Dockerfile names it, can have been these bytes: its repository has them. */
export async function findBase(
  image: string,
  digest: Digest,
  o: Call & Pick<Options, 'access'>,
): Promise<boolean> {
  const parsed = parseImageReference(image);
  if ('problem' in parsed) return false;
  const { registry: host, repository, digest: pinned } = parsed.value;
  if (pinned !== undefined && pinned !== digest) return false;
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const { registry } = await open(`${host}/${repository}@${digest}`, o.access, call);
  return (await registry.head(digest, call)) !== undefined;
}

/** For every platform: FROM may depend on it. */
function mentionsOf(dockerfile: Dockerfile, o: Question): readonly ImageMention[] {
  const found = o.platforms.flatMap(
    platform =>
      findMentions(dockerfile, {
        buildArgs: o.buildArgs,
        platformArgs: platformArguments(platform),
        ...(o.target !== undefined && { target: o.target }),
      }).mentions,
  );
  return found.filter(({ kind, isNeeded }) => isNeeded && kind !== 'frontend');
}

function refuseUnresolved(dockerfile: Dockerfile, mentions: readonly ImageMention[]): void {
  const faults = mentions
    .filter(({ missing, image }) => missing.length > 0 || image === '')
    .map(
      ({ raw, missing, offset }) =>
        new Fault('DOCKERFILE_INVALID', {
          what: `"${raw}" is no image: ${missing.join(', ') || 'its variable'} has no value`,
          where: placeOf(dockerfile, offset),
          next: `--build-arg ${missing[0] ?? 'NAME'}=VALUE, or a default: ARG ${missing[0] ?? 'NAME'}=VALUE before FROM`,
        }),
    );
  const [first] = faults;
  if (faults.length > 1)
    throw new FaultList(
      'DOCKERFILE_INVALID',
      { what: `${faults.length} images without a name in ${dockerfile.path}` },
      faults,
    );
  if (first !== undefined) throw first;
}

async function resolveBase(
  dockerfile: Dockerfile,
  { image, offset }: ImageMention,
  o: Options,
): Promise<ResolvedBase> {
  const where = placeOf(dockerfile, offset);
  const parsed = parseImageReference(image);
  if ('problem' in parsed) throw new Fault('DOCKERFILE_INVALID', { what: parsed.problem, where });
  const { registry: host, repository } = parsed.value;
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const { registry, reference } = await open(image, o.access, call);
  const descriptor = await registry.head(reference, call);
  if (descriptor === undefined) {
    throw new Fault('NOT_FOUND', {
      what: `there is no image ${image}, which the Dockerfile stands on`,
      where,
      next: `cg inspect ${image}`,
    });
  }
  return {
    reference: image,
    digest: descriptor.digest,
    registry,
    pinned: `${host}/${repository}@${descriptor.digest}`,
  };
}
