import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ImagesFile, pathInImagesFile } from '../config/images-file.ts';
import { ProjectFile } from '../config/project-file.ts';
import { parseConfig, readConfig } from '../config/read-config.ts';
import { projectFileName } from '../config/settings.ts';
import { Fault } from '../ground/fault/fault.ts';
import { writeFileAtomically } from '../ground/store/atomic-file.ts';
import { isMissing } from '../ground/store/write-fault.ts';
import type { Forge } from '../model/forge.ts';
import { appendEntry, type EntryField } from './images/append-entry.ts';
import type { FleetPlace } from './images/fleet-place.ts';
import { imagesFileName } from './images/read-fleet.ts';

export interface EnrolImageOptions extends FleetPlace {
  readonly name: string;
  readonly registry?: string;
  readonly repository?: string;
  readonly provider?: Forge;
  readonly repo?: string;
  readonly dockerfile?: string;
  readonly branch?: string;
  readonly rebuildDelay?: string;
  readonly autoRebuild?: boolean;
}

export interface EnrolledEntry {
  readonly name: string;
  readonly file: string;
  /** What is not as it will have to be. */
  readonly note?: string;
}

/** Appends one entry; everything else of the file stays as it is, to the byte. */
export async function enrolImage(o: EnrolImageOptions): Promise<EnrolledEntry> {
  const path = resolve(o.cwd, imagesFileName(o));
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return '';
    throw new Fault('FILE_MISSING', { what: `${path} cannot be read`, where: path, cause: error });
  });
  const form = { toWritten: pathInImagesFile, unknownKeys: 'report' } as const;
  const before = parseConfig(path, text, ImagesFile, form).value;
  const taken = before.images.find(({ name }) => name.toLowerCase() === o.name.toLowerCase());
  if (taken !== undefined) {
    throw new Fault('USAGE', {
      what: `an image named "${taken.name}" is enrolled already`,
      where: imagesFileName(o),
      next: 'choose another --name, or edit the entry',
    });
  }
  const project = await readConfig(resolve(dirname(path), projectFileName), ProjectFile);
  if (o.registry === undefined && project?.value.defaults?.registry === undefined) {
    throw new Fault('USAGE', {
      what: '--registry is missing, and defaults.registry gives none',
      expected: '--registry ghcr.io',
      next: `cg images enrol --name ${o.name} --registry REGISTRY`,
    });
  }
  const after = appendEntry(text, fieldsOf(o));
  // What is written is read first: it must be the file as it was and one image more.
  const read = parseConfig(path, after, ImagesFile, form).value;
  if (read.images.length !== before.images.length + 1 || read.images.at(-1)?.name !== o.name) {
    throw new Fault('EDIT_REFUSED', {
      what: 'the list of images is written in a form that cannot be added to',
      where: imagesFileName(o),
      next: 'write it as a list with one "- name:" line for each image',
    });
  }
  await writeFileAtomically(path, after);
  const note = await noteOfDockerfile(o, dirname(path));
  return { name: o.name, file: imagesFileName(o), ...(note !== undefined && { note }) };
}

/** Somebody may enrol first and write the Dockerfile then; a slip of the pen should show now all the same. */
async function noteOfDockerfile(
  { dockerfile, repo }: EnrolImageOptions,
  root: string,
): Promise<string | undefined> {
  if (dockerfile === undefined || repo !== undefined) return undefined;
  const found = await stat(resolve(root, dockerfile)).catch(() => undefined);
  return found?.isFile() === true
    ? undefined
    : `${dockerfile} is not there yet; until it is, cg images validate calls the entry wrong`;
}

function fieldsOf(o: EnrolImageOptions): readonly EntryField[] {
  const host = o.registry ?? '';
  const provider = o.provider ?? (/(^|\.)gitlab\./i.test(host) ? 'gitlab' : 'github');
  const source: [string, string | undefined][] = [
    ['provider', o.repo === undefined && o.provider === undefined ? undefined : provider],
    ['repo', o.repo],
    ['dockerfile', o.dockerfile],
    ['branch', o.branch],
  ];
  const given = source.filter((field): field is [string, string] => field[1] !== undefined);
  return [
    ['name', o.name],
    ...optional('registry', o.registry),
    ...optional('repository', o.repository),
    ...(given.length > 0 ? [['source', given] as const] : []),
    ...optional('rebuildDelay', o.rebuildDelay),
    ...(o.autoRebuild === undefined ? [] : [['autoRebuild', o.autoRebuild] as const]),
  ];
}

function optional(key: string, value: string | undefined): EntryField[] {
  return value === undefined ? [] : [[key, value]];
}
