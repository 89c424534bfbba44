import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { isTooDeep } from '../../ground/yaml/read-yaml.ts';
import {
  appendItem,
  applyEdits,
  insertLines,
  insertPair,
  itemLines,
  replaceScalar,
  sourceOf,
  type TextEdit,
} from '../../ground/yaml/splice.ts';
import type { Edited, ImageChange, ImageFile, ImagePin, Refusal, RefusalCode } from './image-file.ts';

const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const largestFile = 4 * 1024 * 1024;

/** `images:` of a kustomization, changed by splicing: kustomize's own edit rewrites the file and loses its comments. */
export const kustomizationFile: ImageFile = {
  id: 'kustomization',
  detect: path => fileNames.includes(path.split('/').at(-1) ?? ''),
  find: text => {
    try {
      const opened = openKustomization(text);
      return { pins: entriesOf(opened).map(entry => pinOf(entry, opened)) };
    } catch (error) {
      return refused(error);
    }
  },
  edit: (text, changes) => {
    try {
      return edit(text, changes);
    } catch (error) {
      return refused(error);
    }
  },
};

class RefusedEdit extends Error {
  readonly refusal: Refusal;
  constructor(code: RefusalCode, message: string, line?: number) {
    super(message);
    this.refusal = { code, message, ...(line !== undefined && { line }) };
  }
}

function refused(error: unknown): { readonly refusals: readonly Refusal[] } {
  if (error instanceof RefusedEdit) return { refusals: [error.refusal] };
  throw error;
}

interface Opened {
  readonly text: string;
  readonly lines: LineCounter;
  readonly root: YAMLMap;
  readonly document: Document;
  readonly images: YAMLSeq | undefined;
}

function openKustomization(text: string): Opened {
  if (text.length > largestFile)
    throw new RefusedEdit('SHAPE', `the file is larger than ${largestFile} characters`);
  if (text.includes('\uFFFD')) throw new RefusedEdit('ENCODING', 'the file is not UTF-8');
  if (isTooDeep(text)) throw new RefusedEdit('YAML', 'the file is nested too deep');
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    schema: 'failsafe',
    keepSourceTokens: true,
    uniqueKeys: true,
    merge: false,
    lineCounter: lines,
    strict: true,
  });
  const documents: readonly Document[] = Array.isArray(parsed) ? parsed : [];
  for (const document of documents) {
    const [problem] = document.errors;
    if (problem !== undefined)
      throw new RefusedEdit(
        'YAML',
        problem.message.split('\n')[0] ?? 'not YAML',
        lines.linePos(problem.pos[0]).line,
      );
  }
  const filled = documents.filter(({ contents }) => contents !== null && !isEmptyScalar(contents));
  const [document, another] = filled;
  if (another !== undefined) throw new RefusedEdit('MULTIDOC', 'the file holds several documents');
  const root = document?.contents;
  if (document === undefined || !isMap(root)) throw new RefusedEdit('SHAPE', 'the file is no mapping');
  const images = root.get('images', true) as Node | undefined;
  const isEmpty = images === undefined || isEmptyScalar(images);
  if (isAlias(images)) throw new RefusedEdit('ALIAS', '"images" is an alias', lineOf(images, lines));
  if (!isEmpty && !isSeq(images))
    throw new RefusedEdit('SHAPE', '"images" is no list', lineOf(images, lines));
  if (isSeq(images) && images.anchor !== undefined)
    throw new RefusedEdit('ANCHOR', '"images" carries an anchor', lineOf(images, lines));
  return { text, lines, root, document, images: isSeq(images) ? images : undefined };
}

/** Every value is read as the text that it is: `1.0` is no number here. */
function isEmptyScalar(node: unknown): boolean {
  return isScalar(node) && (node.value === null || node.value === '') && (node.source ?? '') === '';
}

function toJson(document: Document): Json {
  try {
    return document.toJS() as Json;
  } catch (error) {
    throw new RefusedEdit('YAML', error instanceof Error ? error.message : 'not to be resolved');
  }
}

function entriesOf({ images, lines }: Opened): readonly YAMLMap[] {
  return (images?.items ?? []).map(item => {
    if (isAlias(item))
      throw new RefusedEdit('ALIAS', 'an entry of "images" is an alias', lineOf(item, lines));
    if (!isMap(item))
      throw new RefusedEdit('SHAPE', 'an entry of "images" is no mapping', lineOf(item, lines));
    return item;
  });
}

function pinOf(entry: YAMLMap, { lines }: Opened): ImagePin {
  const read = (key: string) => sourceOf(entry.get(key, true));
  const [newName, tag, digest] = [read('newName'), read('newTag'), read('digest')];
  return {
    name: read('name') ?? '',
    ...(newName !== undefined && newName !== '' && { newName }),
    ...(tag !== undefined && tag !== '' && { tag }),
    ...(digest !== undefined && digest !== '' && { digest }),
    line: lineOf(entry, lines) ?? 0,
  };
}

function edit(text: string, changes: readonly ImageChange[]): Edited {
  const opened = openKustomization(text);
  const entries = entriesOf(opened);
  const edits: TextEdit[] = [];
  const changed: string[] = [];
  const added: ImageChange[] = [];
  for (const change of changes) {
    if (!/^sha256:[0-9a-f]{64}$/.test(change.digest))
      throw new RefusedEdit(
        'DIGEST',
        `"${change.digest.slice(0, 80)}" is no digest, sha256: and 64 small hexadecimal digits`,
      );
    const entry = entryOf(change, entries, opened);
    if (entry === undefined) {
      added.push(change);
      changed.push(change.name);
      continue;
    }
    const more = editEntry(entry, change, opened);
    edits.push(...more);
    if (more.length > 0) changed.push(change.name);
  }
  if (added.length > 0) edits.push(addEntries(added, opened));
  const result = applyEdits(text, edits);
  checkResult(opened, result, changes, edits.length);
  return { text: result, changed };
}

function entryOf(change: ImageChange, entries: readonly YAMLMap[], { lines }: Opened): YAMLMap | undefined {
  const fitting = entries.filter(entry => sourceOf(entry.get('name', true)) === change.name);
  const [entry, another] = fitting;
  if (another !== undefined)
    throw new RefusedEdit('DUP', `two entries are named ${change.name}`, lineOf(another, lines));
  if (entry !== undefined || change.add === true) return entry;
  const known = entries.map(one => sourceOf(one.get('name', true)) ?? '').join(', ');
  throw new RefusedEdit(
    'MISSING',
    `no entry of "images" is named ${change.name}${known === '' ? '' : `; there are ${known}`}`,
  );
}

function editEntry(entry: YAMLMap, change: ImageChange, opened: Opened): TextEdit[] {
  if (entry.anchor !== undefined)
    throw new RefusedEdit(
      'ANCHOR',
      `the entry ${change.name} carries an anchor`,
      lineOf(entry, opened.lines),
    );
  const wanted: [string, string][] = [
    ...(change.newName === undefined ? [] : ([['newName', change.newName]] as [string, string][])),
    ...(change.tag === undefined ? [] : ([['newTag', change.tag]] as [string, string][])),
    ['digest', change.digest],
  ];
  const missing: [string, string][] = [];
  const edits = wanted.flatMap(([key, value]) => {
    const pair = entry.items.find(item => sourceOf(item.key) === key);
    if (pair === undefined) {
      missing.push([key, value]);
      return [];
    }
    const node = pair.value as Node | null;
    if (isAlias(node))
      throw new RefusedEdit('ALIAS', `"${key}" of ${change.name} is an alias`, lineOf(node, opened.lines));
    if (node === null || !isScalar(node))
      throw new RefusedEdit('SHAPE', `"${key}" of ${change.name} is no text`, lineOf(entry, opened.lines));
    if (node.anchor !== undefined)
      throw new RefusedEdit(
        'ANCHOR',
        `"${key}" of ${change.name} carries an anchor`,
        lineOf(node, opened.lines),
      );
    return replaceScalar(opened.text, node, value, { inFlow: entry.flow === true }) ?? [];
  });
  const insertions = missing.map(([key, value]) => insertPair(opened.text, entry, key, value));
  // Several new keys go to one place, in their order.
  const [first] = insertions;
  if (first === undefined) return edits;
  const text = insertions.map(insertion => insertion.text).join('');
  return [...edits, { ...first, text }];
}

function addEntries(changes: readonly ImageChange[], { text, images, root }: Opened): TextEdit {
  const items = changes.map(({ name, newName, tag, digest }): [string, string][] => [
    ['name', name],
    ...(newName === undefined ? [] : ([['newName', newName]] as [string, string][])),
    ...(tag === undefined ? [] : ([['newTag', tag]] as [string, string][])),
    ['digest', digest],
  ]);
  if (images !== undefined && images.items.length > 0) {
    const edits = items.map(pairs => appendItem(text, images, pairs));
    const [first] = edits;
    if (first === undefined) throw new RefusedEdit('SHAPE', 'an entry can be added to a list of lines only');
    return { ...first, text: edits.map(edit => edit?.text ?? '').join('') };
  }
  if (images !== undefined || root.has('images'))
    throw new RefusedEdit('SHAPE', '"images" is empty; take it out and it is written anew');
  const lastPair = root.items.at(-1);
  const end = (lastPair?.value as Node | null | undefined)?.range?.[1] ?? text.length;
  return insertLines(text, end, ['images:', ...items.flatMap(pairs => itemLines('', pairs))]);
}

type Json = Record<string, unknown>;

/** Reads both texts again: nothing but what was asked for may differ, in values, comments or lines. */
function checkResult(opened: Opened, result: string, changes: readonly ImageChange[], edits: number): void {
  const before = toJson(opened.document);
  const after = openKustomization(result);
  const expected = structuredClone(before);
  const images = (expected['images'] ??= []) as Json[];
  for (const change of changes) {
    let entry = images.find(({ name }) => String(name) === change.name);
    if (entry === undefined) {
      entry = { name: change.name };
      images.push(entry);
    }
    if (change.newName !== undefined) entry['newName'] = change.newName;
    if (change.tag !== undefined) entry['newTag'] = change.tag;
    entry['digest'] = change.digest;
  }
  const actual = toJson(after.document);
  const isRight =
    isDeepStrictEqual(sorted(actual), sorted(expected)) &&
    isDeepStrictEqual(commentsOf(opened.text), commentsOf(result)) &&
    (edits > 0 || result === opened.text);
  if (!isRight)
    throw new Error('the edit of a kustomization did not come out as it was meant; nothing was written');
}

/** The order of keys says nothing, and an added key may stand anywhere in its entry. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

function commentsOf(text: string): string[] {
  return text.split(/\r?\n/).flatMap(line => /(?:^|\s)(#.*)$/.exec(line)?.[1] ?? []);
}

function lineOf(node: unknown, lines: LineCounter): number | undefined {
  const start = (node as Node | undefined)?.range?.[0];
  return start === undefined ? undefined : lines.linePos(start).line;
}
