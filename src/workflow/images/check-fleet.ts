import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isMapping } from '../../config/text-types.ts';
import type { EnrolledImage } from '../../fleet/enrolment.ts';
import { type ImageGraph, orderGraph } from '../../fleet/graph.ts';
import { Fault, FaultList } from '../../ground/fault/fault.ts';
import type { ImageView } from './discover-fleet.ts';
import type { Fleet } from './read-fleet.ts';

export interface FleetProblems {
  readonly errors: readonly Fault[];
  readonly warnings: readonly Fault[];
}

/** What the schema cannot say: what belongs together, and what lies on the disk. */
export async function checkFleet(fleet: Fleet): Promise<FleetProblems> {
  const errors: Fault[] = [];
  const warnings: Fault[] = [...fleet.config.unknownKeys];
  const inside = await realpath(fleet.root);
  for (const [index, image] of fleet.images.entries()) {
    const entry = fleet.config.value.images[index];
    if (entry === undefined) continue;
    const say = (key: string, what: string) =>
      new Fault('FILE_INVALID', { what, where: placeOf(fleet, index, key) });
    const isBuilt = image.enabled && entry.build?.enabled !== false;
    const isExternal = [entry.repository, entry.namespace, entry.full_name, entry.repoURL].some(Boolean);
    if (isBuilt && image.dockerfile !== undefined && image.registry === undefined)
      errors.push(say('name', `the image "${image.name}" has no registry, and defaults.registry gives none`));
    if (isBuilt && image.dockerfile === undefined && !isExternal)
      errors.push(
        say('name', `the image "${image.name}" has neither a Dockerfile nor a repository to follow`),
      );
    if (image.registry !== undefined && image.published === undefined)
      errors.push(
        say(
          'registry',
          `"${image.registry}/${image.repository}:${image.tag}" is no image reference`.slice(0, 300),
        ),
      );
    if (
      entry.dockerfile !== undefined &&
      entry.source?.dockerfile !== undefined &&
      entry.dockerfile !== entry.source.dockerfile
    )
      warnings.push(
        say('dockerfile', `source.dockerfile (${entry.source.dockerfile}) is used and this one is not`),
      );
    if (entry.rebuildDelay !== undefined && entry.autoRebuild !== true)
      warnings.push(say('rebuildDelay', 'rebuildDelay is set without autoRebuild: true'));
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(image.name))
      warnings.push(say('name', `the name "${image.name}" is best lower case, with hyphens`));
    const found = await findOnDisk(fleet.root, inside, image);
    if (found === 'outside')
      errors.push(
        say('dockerfile', `the Dockerfile ${image.dockerfile} leads out of the repository through a link`),
      );
    if (found === 'missing') warnings.push(say('dockerfile', `there is no file ${image.dockerfile}`));
  }
  return { errors, warnings };
}

/** Throws all problems at once. */
export function refuseProblems(file: string, errors: readonly Fault[]): void {
  const [only] = errors;
  if (only === undefined) return;
  if (errors.length === 1) throw only;
  throw new FaultList('FILE_INVALID', { what: `${errors.length} problems in ${file}` }, errors);
}

/** Managed images that stand on each other in a circle could never be built. */
export function findCycle(fleet: Fleet, views: readonly ImageView[]): Fault | undefined {
  const { cycle } = orderGraph(graphOf(views));
  if (cycle === undefined) return undefined;
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), '…', ...cycle.slice(-5)] : cycle;
  return new Fault('FILE_INVALID', {
    what: `images are built from each other in a circle: ${shown.join(' → ')}`,
    where: fleet.file,
    next: 'take one of these bases out of its Dockerfile',
  });
}

/** An image needs another of the fleet when a base of it is where the other is published. */
export function graphOf(views: readonly ImageView[]): ImageGraph {
  const published = publishedNames(views.map(({ image }) => image));
  return {
    names: views.map(({ image }) => image.name),
    needs: new Map(
      views.map(({ image, uses }) => [
        image.name,
        uses.flatMap(({ identity }) => published.get(identity) ?? []),
      ]),
    ),
  };
}

/** A base that is an image of this fleet in all but its tag: it waits as a stranger's, and nothing is rebuilt after it. */
export function findNearOwn(views: readonly ImageView[]): readonly string[] {
  const tagsOf = new Map<string, { readonly name: string; readonly tag: string }>();
  for (const { image } of views)
    if (image.isManaged && image.published !== undefined)
      tagsOf.set(withoutTag(image.published), { name: image.name, tag: image.tag });
  const own = publishedNames(views.map(({ image }) => image));
  return views.flatMap(({ image, uses }) =>
    uses.flatMap(({ identity }) => {
      const near = own.has(identity) ? undefined : tagsOf.get(withoutTag(identity));
      return near === undefined
        ? []
        : `${image.name} stands on ${identity}, and ${near.name} is published with the tag ${near.tag}: nothing connects them; give ${near.name} the tag that others build on`;
    }),
  );
}

function withoutTag(identity: string): string {
  return identity.replace(/:[^:/]+$/, '');
}

/** From where an image is published to its name; of two that claim one place, the first. */
export function publishedNames(images: readonly EnrolledImage[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { isManaged, published, name } of images)
    if (isManaged && published !== undefined && !names.has(published)) names.set(published, name);
  return names;
}

async function findOnDisk(
  root: string,
  inside: string,
  { dockerfile, remote, isManaged }: EnrolledImage,
): Promise<'found' | 'missing' | 'outside'> {
  if (!isManaged || dockerfile === undefined || remote !== undefined) return 'found';
  const real = await realpath(join(root, dockerfile)).catch(() => undefined);
  if (real === undefined) return 'missing';
  return real.startsWith(inside.endsWith(sep) ? inside : inside + sep) ? 'found' : 'outside';
}

function placeOf(fleet: Fleet, index: number, key: string): string {
  const written = fleet.config.yaml.value;
  const path = isMapping(written) ? ['images', index, key] : [index, key];
  const { line, column } = fleet.config.yaml.locate(path);
  return `${fleet.file}:${line}:${column}`;
}
