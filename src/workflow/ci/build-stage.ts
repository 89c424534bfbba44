import { resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { type Clock, systemClock } from '../../model/clock.ts';
import { defined } from '../../model/defined.ts';
import { type BuiltImage, buildImage } from '../build-image.ts';
import type { FleetPlace } from '../images/fleet-place.ts';
import { readFleet, selectImages } from '../images/read-fleet.ts';
import type { ReachOptions } from '../reach-registries.ts';
import { writeHandover } from './handover.ts';
import { findStrays, hashInputs, joinInputs, placeOf } from './plan/build-inputs.ts';
import { refuseSigningCredentials } from './stage-credentials.ts';

export interface BuildStage extends ReachOptions, FleetPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly image: string;
  /** A folder instead of the registry: nothing is pushed. */
  readonly ociLayout?: string;
  readonly out?: string;
  readonly version: string;
  readonly clock?: Clock;
  readonly onWarning?: (text: string) => void;
}

/** Builds an enrolled image, by digest and without a tag; what went in goes to the job that attests. */
export async function buildStage(o: BuildStage): Promise<BuiltImage> {
  refuseSigningCredentials('build', o.env);
  const fleet = await readFleet(o);
  const [image] = selectImages(fleet, [o.image]);
  if (image === undefined) throw new Fault('BUG', { what: 'no image was chosen' });
  const { inputs } = await hashInputs(fleet, image, o);
  warnOfStrays(image.name, await findStrays(fleet, image, o), o);
  const built = await buildImage({
    ...o,
    ...placeOf(fleet, image),
    destination:
      o.ociLayout === undefined ? repositoryOf(image, fleet.file) : `oci:${resolve(o.cwd, o.ociLayout)}`,
    platforms: image.platforms,
    buildArgs: image.buildArgs,
    clock: o.clock ?? systemClock,
    ...defined({ target: image.target }),
  });
  const handover = {
    image: o.image,
    ref: built.image,
    record: { ...built.record, inputs: joinInputs(inputs, built.record.bases) },
  };
  if (o.out !== undefined) await writeHandover(o.out, o.cwd, handover);
  return built;
}

function warnOfStrays(
  name: string,
  [first, ...others]: readonly string[],
  { onWarning }: Pick<BuildStage, 'onWarning'>,
): void {
  if (first === undefined) return;
  const files = others.length === 0 ? first : `${first} and ${others.length} more`;
  onWarning?.(
    `${files} in the context of ${name}: no commit holds them, so every plan builds it again and cg ci attest refuses it where they are missing; .dockerignore keeps them out`,
  );
}

/** Where an enrolled image is published, without a tag. */
export function repositoryOf(
  {
    registry,
    repository,
    name,
  }: { readonly registry?: string; readonly repository: string; readonly name: string },
  file: string,
): string {
  if (registry !== undefined) return `${registry}/${repository}`;
  throw new Fault('USAGE', {
    what: `${name} has no registry to be published in`,
    where: file,
    next: 'give it registry: and repository: in images.yaml, or defaults in .cascadeguard.yaml',
  });
}
