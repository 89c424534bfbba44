import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot } from '../../delivery/git/snapshot.ts';
import type { ImageChange, ImagePin, Refusal } from '../../delivery/gitops/image-file.ts';
import { kustomizationFile } from '../../delivery/gitops/kustomization.ts';
import { type MeantImages, renderImages, unexpectedChanges } from '../../delivery/gitops/render.ts';
import { Fault, FaultList } from '../../ground/fault/fault.ts';
import type { Environment } from './environments.ts';

export interface EnvironmentFile {
  readonly path: string;
  readonly text: string;
  readonly pins: readonly ImagePin[];
}

export interface PinChange {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly from?: string;
  readonly to: string;
}

export interface EditedEnvironment {
  readonly file: EnvironmentFile;
  readonly text: string;
  readonly changes: readonly PinChange[];
  /** False when there was no kustomize to build it with. */
  readonly rendered: boolean;
}

/** The kustomization of an environment with the images that it pins. */
export async function readEnvironment(
  head: Snapshot,
  environment: Environment,
  commit?: string,
): Promise<EnvironmentFile> {
  for (const name of ['kustomization.yaml', 'kustomization.yml', 'Kustomization']) {
    const path = join(environment.path, name);
    const text = await head.read(path, commit);
    if (text === undefined) continue;
    const found = kustomizationFile.find(text);
    if ('refusals' in found) throw refusalFault(path, found.refusals);
    return { path, text, pins: found.pins };
  }
  throw new Fault('EDIT_REFUSED', {
    what: `the environment ${environment.name} has no kustomization in ${environment.path}`,
    where: environment.path,
    expected: 'kustomization.yaml',
    next: `correct gitops.environments.${environment.name}.path`,
  });
}

/** The edit in memory, checked twice: by reading it again, and by what it renders to. */
export async function editEnvironment(
  head: Snapshot,
  environment: Environment,
  changes: readonly ImageChange[],
  o: { readonly env: Readonly<Record<string, string | undefined>>; readonly signal?: AbortSignal },
): Promise<EditedEnvironment> {
  const file = await readEnvironment(head, environment);
  const edited = kustomizationFile.edit(file.text, changes);
  if ('refusals' in edited) throw refusalFault(file.path, edited.refusals);
  const changed = edited.changed.map(name => pinChange(name, file, changes));
  const rendered =
    edited.text === file.text || (await checkRendering(head, environment, file, edited.text, changes, o));
  return { file, text: edited.text, changes: changed, rendered };
}

function pinChange(
  name: string,
  { pins, path }: EnvironmentFile,
  changes: readonly ImageChange[],
): PinChange {
  const pin = pins.find(one => one.name === name);
  const from = pin?.digest ?? pin?.tag;
  return {
    name,
    file: path,
    line: pin?.line ?? 0,
    ...(from !== undefined && { from }),
    to: changes.find(change => change.name === name)?.digest ?? '',
  };
}

async function checkRendering(
  head: Snapshot,
  environment: Environment,
  file: EnvironmentFile,
  text: string,
  changes: readonly ImageChange[],
  o: { readonly env: Readonly<Record<string, string | undefined>>; readonly signal?: AbortSignal },
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-render-'));
  try {
    await head.checkOut(folder);
    const before = await renderImages(join(folder, environment.path), o.env, o.signal);
    if (before === undefined) return false;
    await writeFile(join(folder, file.path), text);
    const after = (await renderImages(join(folder, environment.path), o.env, o.signal)) ?? [];
    const strange = unexpectedChanges(before, after, meantImages(changes, file));
    if (strange.length === 0) return true;
    throw new Fault('EDIT_REFUSED', {
      what: `the edit of ${file.path} would not change what was meant, and that alone`,
      where: file.path,
      actual: strange.slice(0, 10).join(', '),
      next: 'the name of an entry is a regular expression to kustomize, and entries apply one after the other: make each match one image that a workload has',
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function meantImages(changes: readonly ImageChange[], { pins }: EnvironmentFile): MeantImages {
  const oldName = (name: string) => pins.find(pin => pin.name === name)?.newName ?? name;
  const toImage = ({ name, newName, digest }: ImageChange) => `${newName ?? oldName(name)}@${digest}`;
  const known = changes.filter(({ name }) => pins.some(pin => pin.name === name));
  return {
    before: new Set(changes.map(({ name }) => oldName(name))),
    after: new Set(changes.map(toImage)),
    running: new Set(known.map(toImage)),
  };
}

function refusalFault(path: string, refusals: readonly Refusal[]): Fault {
  const faults = refusals.map(
    ({ code, message, line }) =>
      new Fault('EDIT_REFUSED', {
        what: `${message} (${code})`,
        where: line === undefined ? path : `${path}:${line}`,
      }),
  );
  const [first] = faults;
  return faults.length === 1 && first !== undefined
    ? first
    : new FaultList('EDIT_REFUSED', { what: `${faults.length} reasons to leave ${path} alone` }, faults);
}
