import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import { readRegularFile, toReadFault } from '../../../ground/store/regular-file.ts';
import { isMissing } from '../../../ground/store/write-fault.ts';
import { type Descriptor, isManifestType, mediaTypes } from '../../../model/descriptor.ts';
import { isDigest } from '../../../model/digest.ts';
import { readDescriptor } from '../content.ts';
import type { TagOrDigest } from '../registry.ts';

/** How an entry of index.json is named (OCI image layout, "index.json file"). */
export const nameAnnotation = 'org.opencontainers.image.ref.name';

export interface LayoutIndex {
  readonly entries: readonly Descriptor[];
  /** What else stands in the file and must survive a change. */
  readonly rest: Readonly<Record<string, unknown>>;
  /** Which state of the file this is. */
  readonly identity?: string;
}

const largestIndex = 64 * 1024 * 1024;
export const emptyIndex: LayoutIndex = { entries: [], rest: {} };

/** Undefined when there is no layout at this path. What was read before is handed back while the file is the same. */
export async function readLayoutIndex(folder: string, last?: LayoutIndex): Promise<LayoutIndex | undefined> {
  const path = join(folder, 'index.json');
  try {
    const { size, ino, mtimeMs } = await stat(path);
    // A file that was replaced is another file.
    const identity = `${ino} ${mtimeMs} ${size}`;
    if (last?.identity === identity) return last;
    const bytes = await readRegularFile(path, largestIndex);
    if (bytes === undefined) throw tooLarge(path, size);
    return { ...parseLayoutIndex(bytes, path), identity };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toReadFault(error, path);
  }
}

export function parseLayoutIndex(bytes: Uint8Array, where: string): LayoutIndex {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new Fault('CONTENT_INVALID', { what: `${where} is not JSON`, where, cause: error });
  }
  const { manifests, ...rest } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(manifests)) {
    throw new Fault('CONTENT_INVALID', {
      what: `${where} lists no manifests`,
      where,
      expected: 'an OCI image index',
    });
  }
  return { entries: manifests.map((entry, at) => readDescriptor(entry, `manifests[${at}]`, where)), rest };
}

export async function writeLayoutIndex(folder: string, { entries, rest }: LayoutIndex): Promise<void> {
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, ...rest, manifests: entries };
  await writeFileAtomically(join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
}

/** The entry that a tag or digest means; without either, the only one there is. */
export function findEntry({ entries }: LayoutIndex, reference: TagOrDigest): Descriptor | undefined {
  if (isDigest(reference)) return entries.find(({ digest }) => digest === reference);
  // Some writers put the whole reference there: "ghcr.io/you/web:1".
  return (
    entries.find(entry => entry.annotations?.[nameAnnotation] === reference) ??
    entries.find(entry => entry.annotations?.[nameAnnotation]?.endsWith(`:${reference}`) === true)
  );
}

export function tagsOf({ entries }: LayoutIndex): string[] {
  const names = entries.flatMap(entry => entry.annotations?.[nameAnnotation] ?? []);
  return [
    ...new Set(names.map(name => (name.includes('/') ? name.slice(name.lastIndexOf(':') + 1) : name))),
  ].sort();
}

/** Names a manifest; a name moves from what had it before, which stays in the list without a name. */
export function addEntry(index: LayoutIndex, descriptor: Descriptor, tags: readonly string[]): LayoutIndex {
  const { [nameAnnotation]: _, ...own } = descriptor.annotations ?? {};
  const plain = { ...descriptor, annotations: own };
  const named = tags.map(tag => ({ ...plain, annotations: { ...own, [nameAnnotation]: tag } }));
  const isNamed = (entry: Descriptor): boolean => entry.annotations?.[nameAnnotation] !== undefined;
  const kept = index.entries.map(entry =>
    tags.includes(entry.annotations?.[nameAnnotation] ?? '') && entry.digest !== descriptor.digest
      ? withoutName(entry)
      : entry,
  );
  const others = kept.filter(
    entry =>
      entry.digest !== descriptor.digest ||
      (isNamed(entry) && !tags.includes(entry.annotations?.[nameAnnotation] ?? '')),
  );
  const stillNamed = others.some(entry => entry.digest === descriptor.digest);
  const added = named.length > 0 ? named : stillNamed ? [] : [dropEmpty(plain)];
  return { ...index, entries: dropRepeated([...others, ...added]) };
}

/** An index brings its children along; they need no entry of their own unless they have a name. */
export function dropChildren(index: LayoutIndex, children: readonly Descriptor[]): LayoutIndex {
  const digests = new Set(children.map(({ digest }) => digest));
  const entries = index.entries.filter(
    entry => entry.annotations?.[nameAnnotation] !== undefined || !digests.has(entry.digest),
  );
  return { ...index, entries };
}

export function isManifestEntry(entry: Descriptor): boolean {
  return isManifestType(entry.mediaType);
}

function withoutName(entry: Descriptor): Descriptor {
  const { [nameAnnotation]: _, ...annotations } = entry.annotations ?? {};
  return dropEmpty({ ...entry, annotations });
}

function dropEmpty({ annotations, ...entry }: Descriptor): Descriptor {
  return annotations === undefined || Object.keys(annotations).length === 0
    ? entry
    : { ...entry, annotations };
}

function dropRepeated(entries: readonly Descriptor[]): Descriptor[] {
  const seen = new Set<string>();
  const keyOf = (entry: Descriptor): string => `${entry.digest} ${entry.annotations?.[nameAnnotation] ?? ''}`;
  return entries.filter(entry => !seen.has(keyOf(entry)) && seen.add(keyOf(entry)));
}

function tooLarge(path: string, size: number): Fault {
  return new Fault('LIMIT_EXCEEDED', {
    what: `${path} is larger than cg is willing to read`,
    where: path,
    expected: `at most ${largestIndex} bytes`,
    actual: `${size} bytes`,
  });
}
