import { nearest } from '../../model/nearest.ts';
import { findHeredocs, readHeredocs } from './heredocs.ts';
import {
  type Directive,
  type Dockerfile,
  type DockerfileProblem,
  type Flag,
  grammar,
  type Heredoc,
  type Instruction,
  isKeyword,
  type Keyword,
} from './instruction.ts';
import {
  isBlankOrComment,
  joinLines,
  type LogicalLine,
  type PhysicalLine,
  splitLines,
} from './logical-lines.ts';
import { offsetOf, rangeOf, type SourceText, sliceSource } from './source-text.ts';
import { splitWords } from './words.ts';

export interface ParsedDockerfile {
  readonly dockerfile: Dockerfile;
  /** All of them at once; with any, the Dockerfile is not to be built. */
  readonly problems: readonly DockerfileProblem[];
}

/** Far more than any real one holds, and little enough that no reader of it takes long. */
export const largestDockerfile = 1024 * 1024;
const mostInstructions = 10_000;

/** Reads the whole grammar of a Dockerfile: directives, continued lines, flags, the exec form, heredocs. */
export function parseDockerfile(text: string, path = 'Dockerfile'): ParsedDockerfile {
  const problems: DockerfileProblem[] = [];
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  if (text.length > largestDockerfile) {
    problems.push({ offset: 0, message: `is larger than ${largestDockerfile} characters` });
    return { dockerfile: { path, text, escape: '\\', directives: [], instructions: [] }, problems };
  }
  const lines = splitLines(text);
  const first = lines[0];
  const body =
    first === undefined || start === 0
      ? lines
      : [{ text: first.text.slice(1), offset: 1 }, ...lines.slice(1)];
  const directives = readDirectives(body, problems);
  const escape = directives.find(({ name }) => name === 'escape')?.value ?? '\\';
  const instructions = readInstructions({ lines: body, escape, problems });
  checkOrder(instructions, problems);
  return { dockerfile: { path, text, escape, directives, instructions }, problems };
}

const directiveNames = ['syntax', 'escape', 'check'];

/** Only at the very top, before anything else: the first other line ends them. */
function readDirectives(lines: readonly PhysicalLine[], problems: DockerfileProblem[]): Directive[] {
  const found: Directive[] = [];
  for (const { text, offset } of lines) {
    const match = /^\s*#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*?)\s*$/.exec(text);
    const name = match?.[1]?.toLowerCase();
    if (match === null || name === undefined || !directiveNames.includes(name)) break;
    const value = match[2] ?? '';
    if (found.some(other => other.name === name))
      problems.push({ offset, message: `the directive "${name}" stands twice` });
    if (name === 'escape' && value !== '\\' && value !== '`') {
      problems.push({ offset, message: `the escape character must be \\ or \`, not "${value}"` });
      continue;
    }
    const start = offset + text.indexOf(value, text.indexOf('=') + 1);
    found.push({ name, value, range: { start, end: start + value.length } });
  }
  return found;
}

interface Reading {
  readonly lines: readonly PhysicalLine[];
  readonly escape: string;
  readonly problems: DockerfileProblem[];
}

function readInstructions(reading: Reading): Instruction[] {
  const { lines, problems } = reading;
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    if (line === undefined || isBlankOrComment(line)) {
      at++;
      continue;
    }
    if (found.length >= mostInstructions) {
      problems.push({ offset: line.offset, message: `holds more than ${mostInstructions} instructions` });
      break;
    }
    const logical = joinLines(lines, at, reading.escape);
    const { instruction, nextLine } = readInstruction(logical, reading);
    if (instruction !== undefined) found.push(instruction);
    at = nextLine;
  }
  return found;
}

function readInstruction(
  logical: LogicalLine,
  reading: Reading,
): { readonly instruction?: Instruction; readonly nextLine: number } {
  const { problems, escape, lines } = reading;
  const word = /^\S+/.exec(logical.text)?.[0] ?? '';
  const keyword = word.toUpperCase();
  const offset = offsetOf(logical, 0);
  if (!isKeyword(keyword)) {
    const near = nearest(keyword, Object.keys(grammar));
    problems.push({
      offset,
      message: `"${word.slice(0, 100)}" is no instruction${near === undefined ? '' : `; did you mean ${near}?`}`,
    });
    return { nextLine: logical.nextLine };
  }
  const takesHeredocs =
    grammar[keyword].takesHeredocs ||
    (keyword === 'ONBUILD' && /^onbuild\s+(run|copy|add)\s/i.test(logical.text));
  const wanted = takesHeredocs ? findHeredocs(logical.text, escape) : [];
  const { heredocs, nextLine, missing } = readHeredocs(lines, logical.nextLine, wanted);
  if (missing !== undefined) problems.push({ offset, message: `the heredoc "${missing}" has no end` });
  const last = lines[nextLine - 1];
  const range = { start: offset, end: last === undefined ? offset : last.offset + last.text.length };
  const { flags, rest } = readFlags(keyword, skipSpace(sliceSource(logical, word.length)), reading);
  return {
    instruction: complete({ keyword, original: logical.text, range, flags, rest, heredocs }, problems),
    nextLine,
  };
}

function complete(
  instruction: Instruction & { heredocs: readonly Heredoc[] },
  problems: DockerfileProblem[],
): Instruction {
  const { keyword, rest, range } = instruction;
  if (rest.text === '')
    problems.push({ offset: range.start, message: `${keyword} wants something behind it` });
  const json = grammar[keyword].takesJson ? readJson(rest.text) : undefined;
  if (keyword === 'SHELL' && json === undefined)
    problems.push({ offset: range.start, message: 'SHELL wants a list of texts: SHELL ["/bin/sh", "-c"]' });
  return json === undefined ? instruction : { ...instruction, json };
}

/** What looks like a list and is none is the shell form, as it always was. */
function readJson(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

function skipSpace(source: SourceText): SourceText {
  return sliceSource(source, source.text.length - source.text.trimStart().length);
}

function readFlags(
  keyword: Keyword,
  source: SourceText,
  { problems, escape }: Reading,
): { flags: Flag[]; rest: SourceText } {
  const known: readonly string[] = grammar[keyword].flags;
  const flags: Flag[] = [];
  if (known.length === 0) return { flags, rest: source };
  let end = 0;
  for (const word of splitWords(source.text, escape)) {
    if (!word.text.startsWith('--')) break;
    end = word.end;
    if (word.text === '--') break;
    const [name, value] = splitOnce(word.text.slice(2), '=');
    if (!known.includes(name)) {
      const near = nearest(name, known);
      problems.push({
        offset: offsetOf(source, word.start),
        message: `${keyword} has no flag --${name.slice(0, 100)}${near === undefined ? '' : `; did you mean --${near}?`}`,
      });
    }
    const valueStart = word.start + 2 + name.length + (value === undefined ? 0 : 1);
    flags.push({ name, ...(value !== undefined && { value }), range: rangeOf(source, valueStart, word.end) });
  }
  return { flags, rest: skipSpace(sliceSource(source, end)) };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function checkOrder(instructions: readonly Instruction[], problems: DockerfileProblem[]): void {
  const first = instructions.find(({ keyword }) => keyword !== 'ARG');
  if (first !== undefined && first.keyword !== 'FROM') {
    problems.push({
      offset: first.range.start,
      message: `${first.keyword} stands before the first FROM; only ARG may`,
    });
  }
  if (!instructions.some(({ keyword }) => keyword === 'FROM') && problems.length === 0)
    problems.push({ offset: 0, message: 'has no FROM' });
}
