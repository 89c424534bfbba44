import type { ImageChange } from '../delivery/gitops/image-file.ts';
import { Fault } from '../ground/fault/fault.ts';
import { type ImageReference, parseImageReference } from '../model/image-reference.ts';
import type { EnvironmentFile } from './gitops/edit-environment.ts';
import { findEnvironment, readDeployment } from './gitops/environments.ts';
import { type PinImagesOptions, type PinnedImages, pinImages } from './gitops/pin-images.ts';
import { requireReason } from './gitops/require-evidence.ts';

export type { PinnedImages } from './gitops/pin-images.ts';

export interface BumpImagesOptions extends PinImagesOptions {
  readonly environment: string;
  /** `[NAME=]REPOSITORY[:TAG]@sha256:…` */
  readonly images: readonly string[];
  /** Make entries that are not there. */
  readonly add?: boolean;
}

interface WantedImage {
  readonly name?: string;
  readonly reference: ImageReference;
  readonly text: string;
}

/** Pins digests in an environment: proven first, edited by splice, pushed so that writers at once lose nothing. */
export async function bumpImages(o: BumpImagesOptions): Promise<PinnedImages> {
  requireReason(o);
  const deployment = await readDeployment(o);
  const environment = findEnvironment(deployment, o.environment);
  const wanted = o.images.map(readWanted);
  refuseTwice(wanted);
  return await pinImages(
    o,
    { deployment, environment },
    {
      verb: 'deploy',
      before: wanted.map(({ text }) => text),
      propose: file => wanted.map(image => toChange(image, file, o.add ?? false)),
      trailers: () => wanted.map(({ text }) => ['Image', text] as const),
    },
  );
}

function readWanted(text: string): WantedImage {
  const at = text.indexOf('=');
  // A name before "=" is the entry of the file; a digest never holds one.
  const [name, image] = at > 0 ? [text.slice(0, at), text.slice(at + 1)] : [undefined, text];
  const parsed = parseImageReference(image);
  if ('problem' in parsed)
    throw new Fault('REFERENCE_INVALID', { what: parsed.problem, where: image.slice(0, 300) });
  return { reference: parsed.value, text: image, ...(name !== undefined && { name }) };
}

function refuseTwice(wanted: readonly WantedImage[]): void {
  const names = wanted.map(({ name, reference }) => name ?? `${reference.registry}/${reference.repository}`);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new Fault('USAGE', {
      what: `${twice} is named twice`,
      expected: 'one digest for each image',
      next: 'leave one of them out',
    });
}

/** The entry that is named; else the one that is about this repository, whatever it was called before. */
function toChange(
  { name, reference }: WantedImage,
  { pins, path }: EnvironmentFile,
  add: boolean,
): ImageChange {
  const repository = `${reference.registry}/${reference.repository}`;
  const digest = reference.digest ?? '';
  const tag = reference.tag === undefined ? {} : { tag: reference.tag };
  if (name !== undefined) {
    const pin = pins.find(one => one.name === name);
    const isNew = pin !== undefined && (pin.newName ?? pin.name) !== repository;
    return {
      name,
      digest,
      ...tag,
      add,
      ...((isNew || pin === undefined) && name !== repository && { newName: repository }),
    };
  }
  const fitting = pins.filter(pin => sameRepository(pin.newName ?? pin.name, repository));
  const [pin, another] = fitting;
  if (another !== undefined) {
    throw new Fault('EDIT_REFUSED', {
      what: `several entries are about ${repository} (AMBIGUOUS)`,
      where: path,
      actual: fitting.map(one => `${one.name} (line ${one.line})`).join(', '),
      next: `name the entry: ${fitting[0]?.name}=${repository}@${digest.slice(0, 14)}…`,
    });
  }
  return pin === undefined ? { name: repository, digest, ...tag, add } : { name: pin.name, digest, ...tag };
}

export function sameRepository(text: string, repository: string): boolean {
  const parsed = parseImageReference(text);
  return 'value' in parsed && `${parsed.value.registry}/${parsed.value.repository}` === repository;
}
