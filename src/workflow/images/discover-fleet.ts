import { realpath } from 'node:fs/promises';
import { nameBase } from '../../fleet/base-name.ts';
import { type Discovered, discoverBases, type Finding } from '../../fleet/discover.ts';
import type { BaseUse, EnrolledImage } from '../../fleet/enrolment.ts';
import type { BaseBook } from '../../fleet/state/base-book.ts';
import { readImageState } from '../../fleet/state/image-state.ts';
import type { StateFolder } from '../../fleet/state/state-folder.ts';
import { asFault } from '../../ground/fault/render.ts';
import { platformArguments } from '../../image/build/embedded/platform-arguments.ts';
import { parsePlatform } from '../../image/oci/platform.ts';
import { type InsideFile, readInsideFile } from './inside-file.ts';

/** An image with what its Dockerfile says, or what was known of it when it cannot be read. */
export interface ImageView {
  readonly image: EnrolledImage;
  readonly uses: readonly BaseUse[];
  readonly discovery: 'ok' | 'pending' | 'external' | 'error';
  readonly findings: readonly Finding[];
  readonly problem?: string;
  /** The Dockerfile, links followed, and its text. */
  readonly path?: string;
  readonly text?: string;
}

export async function discoverFleet(
  root: string,
  images: readonly EnrolledImage[],
  state: StateFolder,
  book: BaseBook,
): Promise<readonly ImageView[]> {
  const inside = await realpath(root);
  const files = images.map(image => readDockerfileOf(inside, image));
  // One after the other, so that who gets which file name does not depend on the disk.
  return images.map((image, index) => {
    const file = files[index];
    const known = (discovery: ImageView['discovery'], problem: string): ImageView => ({
      image,
      uses: knownUses(image, state, book),
      discovery,
      findings: [],
      problem,
    });
    if (file === undefined) return { image, uses: [], discovery: 'external', findings: [] };
    if (image.remote !== undefined)
      return known('pending', `its Dockerfile lies in ${image.remote.repo}, which is not fetched yet`);
    if ('problem' in file) return known('error', file.problem);
    return { ...viewOf(image, file.text, state, book), ...file };
  });
}

function readDockerfileOf(
  inside: string,
  image: EnrolledImage,
): InsideFile | { readonly problem: string } | undefined {
  if (!image.isManaged || image.dockerfile === undefined) return undefined;
  if (image.remote !== undefined) return { problem: '' };
  try {
    return readInsideFile(inside, image.dockerfile);
  } catch (error) {
    return { problem: asFault(error).message };
  }
}

/** What a text of the Dockerfile says; the edges that were known stay when it says nothing that can be read. */
export function viewOf(image: EnrolledImage, text: string, state: StateFolder, book: BaseBook): ImageView {
  const found = discoverOf(image, text);
  const [problem] = found.problems;
  if (problem !== undefined)
    return { image, uses: knownUses(image, state, book), discovery: 'error', findings: [], problem };
  const uses = found.uses.map(use => {
    const named = nameBase(use.mentions[0]?.ref ?? use.identity);
    return 'value' in named ? { ...use, stem: book.open(named.value.base).stem } : use;
  });
  return { image, uses, discovery: 'ok', findings: found.findings };
}

function discoverOf(image: EnrolledImage, text: string): Discovered {
  const platformArgs = image.platforms.flatMap(platform => {
    const parsed = parsePlatform(platform);
    return 'value' in parsed ? [platformArguments(parsed.value)] : [];
  });
  return discoverBases(text, image.dockerfile ?? 'Dockerfile', {
    buildArgs: image.buildArgs,
    ...(image.target !== undefined && { target: image.target }),
    ...(platformArgs.length > 0 && { platformArgs }),
  });
}

function knownUses(image: EnrolledImage, state: StateFolder, book: BaseBook): readonly BaseUse[] {
  const file = state.images.get(image.name);
  return file === undefined ? [] : readImageState(file, stem => book.identityOf(stem)).uses;
}
