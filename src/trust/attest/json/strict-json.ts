/** Why a text is not the JSON that it should be. It never leaves the verifier: it becomes the reason `malformed`. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

const maxDepth = 64;

/**
 * JSON without a second reading: no key twice in one object (parsers differ in which one wins),
 * at most 64 levels deep, valid UTF-8.
 */
export function parseStrictJson(bytes: Uint8Array | string): Json {
  const text = typeof bytes === 'string' ? bytes : decode(bytes);
  checkStructure(text);
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new JsonError('not JSON', { cause });
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new JsonError('not UTF-8', { cause });
  }
}

/** Walks over the text once; what is not JSON at all is left to JSON.parse. */
function checkStructure(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  let isKeyNext = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === quote) {
      const end = endOfString(text, at);
      if (isKeyNext) addKey(open.at(-1), text.slice(at, end + 1));
      isKeyNext = false;
      at = end;
    } else if (character === openBrace || character === openBracket) {
      if (open.length >= maxDepth) throw new JsonError(`nested more than ${maxDepth} deep`);
      open.push(character === openBrace ? new Set() : undefined);
      isKeyNext = character === openBrace;
    } else if (character === closeBrace || character === closeBracket) {
      open.pop();
      isKeyNext = false;
    } else if (character === comma) {
      isKeyNext = open.at(-1) !== undefined;
    }
  }
}

const [quote, openBrace, closeBrace, openBracket, closeBracket, comma] = [34, 123, 125, 91, 93, 44];

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  if (end === -1) throw new JsonError('a string has no end');
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text[at - 1 - slashes] === '\\') slashes++;
  return slashes % 2 === 1;
}

function addKey(keys: Set<string> | undefined, quoted: string): void {
  const key = quoted.includes('\\') ? parseKey(quoted) : quoted.slice(1, -1);
  if (keys?.has(key)) throw new JsonError(`the key ${JSON.stringify(key.slice(0, 80))} appears twice`);
  keys?.add(key);
}

function parseKey(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch (cause) {
    throw new JsonError('a key is malformed', { cause });
  }
}
