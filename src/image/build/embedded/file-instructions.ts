import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expand } from '../../dockerfile/expand.ts';
import { flagValue, type Instruction } from '../../dockerfile/instruction.ts';
import { splitPlainWords } from '../../dockerfile/words.ts';
import { resolveOwner } from './accounts.ts';
import { copyFiles, type InlineFile } from './copy-files.ts';
import type { FileSource } from './file-source.ts';
import { expandWord, instructionFault, type StageState, variablesOf } from './instruction-context.ts';
import { type FileContent, type Owner, root } from './tree.ts';
import { unpackArchive } from './unpack-archive.ts';

/** `COPY` and `ADD` of local files, from wherever `--from` says. */
export async function copyInstruction(
  instruction: Instruction,
  state: StageState,
  from: FileSource,
  o: { readonly workFolder: string; readonly signal?: AbortSignal },
): Promise<void> {
  const words = wordsOf(instruction, state);
  const destination = words.pop();
  const inline = inlineFiles(instruction, state);
  const sources = words.filter(word => !inline.some(file => file.word === word));
  if (destination === undefined || sources.length + inline.length === 0)
    throw instructionFault(
      state,
      instruction,
      `${instruction.keyword} wants at least one source and a destination`,
    );
  const owner = await ownerOf(instruction, state, o.signal);
  const mode = modeOf(instruction, state);
  await copyFiles(state.tree, from, sources, inline, {
    destination,
    workFolder: state.image.config.WorkingDir || '/',
    exclude: instruction.flags.flatMap(({ name, value }) =>
      name === 'exclude' && value !== undefined ? [expandWord(value, state, instruction)] : [],
    ),
    parents: isSet(instruction, 'parents'),
    ...(unpacks(instruction) && {
      unpack: (name: string, content: FileContent, below: string) =>
        unpackArchive(state.tree, content, {
          ...o,
          ...(owner !== undefined && { owner }),
          name,
          below,
          spool: join(o.workFolder, `added-${randomUUID()}`),
        }),
    }),
    ...(owner !== undefined && { owner }),
    ...(mode !== undefined && { mode }),
  });
}

/** ADD unpacks archives unless it says that it does not. */
function unpacks(instruction: Instruction): boolean {
  return instruction.keyword === 'ADD' && !['false', '0'].includes(flagValue(instruction, 'unpack') ?? '');
}

export function wordsOf(instruction: Instruction, state: StageState): string[] {
  const words = instruction.json ?? splitPlainWords(instruction.rest.text).map(({ text }) => text);
  const heredocWords = new Set(instruction.heredocs.map(({ word }) => word));
  return words.map(word => (heredocWords.has(word) ? word : expandWord(word, state, instruction)));
}

function inlineFiles(
  instruction: Instruction,
  state: StageState,
): (InlineFile & { readonly word: string })[] {
  const variables = variablesOf(state);
  return instruction.heredocs.map(({ word, name, expands, content }) => {
    if (!expands) return { word, name, content };
    const expanded = expand(content, { variables, escape: state.dockerfile.escape, keepQuotes: true });
    if ('problem' in expanded)
      throw instructionFault(state, instruction, `the heredoc ${name} ${expanded.problem}`);
    return { word, name, content: expanded.value };
  });
}

async function ownerOf(
  instruction: Instruction,
  state: StageState,
  signal?: AbortSignal,
): Promise<Owner | undefined> {
  const flag = flagValue(instruction, 'chown');
  if (flag === undefined) return undefined;
  const owner = await resolveOwner(expandWord(flag, state, instruction), state.tree, signal);
  if ('value' in owner) return owner.value;
  throw instructionFault(state, instruction, `--chown=${flag}: ${owner.problem}`, {
    next: 'name it by number: --chown=1000:1000',
  });
}

function modeOf(instruction: Instruction, state: StageState): number | undefined {
  const flag = flagValue(instruction, 'chmod');
  if (flag === undefined) return undefined;
  const text = expandWord(flag, state, instruction);
  if (/^0?[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  throw instructionFault(state, instruction, `--chmod wants an octal mode, not "${text.slice(0, 50)}"`, {
    expected: '--chmod=755',
    next: 'write the mode in octal, or build with --builder buildx',
  });
}

/** A flag that stands alone or says true. */
export function isSet(instruction: Instruction, name: string): boolean {
  const value = flagValue(instruction, name);
  return value === '' || value === 'true' || value === '1';
}

/** A folder that comes into being belongs to root, as Docker has always done. */
export function workdirInstruction(instruction: Instruction, state: StageState): void {
  const path = expandWord(instruction.rest.text, state, instruction);
  const joined = path.startsWith('/') ? path : `${state.image.config.WorkingDir || '/'}/${path}`;
  const normal = normalise(joined);
  state.image.config.WorkingDir = normal;
  state.tree.makeFolders(normal, root);
}

function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}
