import { refuse } from './refuse.ts';

export interface GoModule {
  readonly path: string;
  readonly version: string;
}

export interface GoBuildInfo {
  /** `1.22.3`, without the `go` in front. */
  readonly goVersion: string;
  readonly main?: GoModule;
  readonly dependencies: readonly GoModule[];
  readonly settings: ReadonlyMap<string, string>;
}

export const goMagic = Buffer.from('\xff Go buildinf:', 'latin1');
const headerSize = 32;
const inlineStrings = 2;

/**
 * The block that Go's linker leaves in a binary (debug/buildinfo in Go's source says how it is laid out): the
 * version of Go and the modules, each with its length in front. Binaries of Go before 1.18 hold pointers instead.
 */
export function readGoBuildInfo(block: Buffer): GoBuildInfo {
  if (block.length < headerSize || !block.subarray(0, goMagic.length).equals(goMagic))
    throw refuse('no build information of Go');
  if (((block[15] ?? 0) & inlineStrings) === 0)
    throw refuse('a binary of Go before 1.18, whose modules cannot be read in one pass');
  const [version, next] = readString(block, headerSize);
  const [modules] = readString(block, next);
  const goVersion = /^go(\d\S*)/.exec(version)?.[1] ?? /\bgo(\d[\w.]*)/.exec(version)?.[1] ?? version;
  return { goVersion, ...readModules(stripSentinels(modules)) };
}

function readString(block: Buffer, start: number): [text: string, next: number] {
  let [length, shift, at] = [0, 1, start];
  for (;;) {
    const byte = block[at++];
    if (byte === undefined || shift > 2 ** 35) throw refuse('build information of Go that was cut short');
    length += (byte & 0x7f) * shift;
    if (byte < 0x80) break;
    shift *= 128;
  }
  if (at + length > block.length) throw refuse('build information of Go that was cut short');
  return [block.toString('latin1', at, at + length), at + length];
}

/** The linker marks the modules with sixteen bytes on either side. */
function stripSentinels(text: string): string {
  if (text.length < 33 || text[text.length - 17] !== '\n') return '';
  return Buffer.from(text.slice(16, -16), 'latin1').toString('utf8');
}

function readModules(text: string): Omit<GoBuildInfo, 'goVersion'> {
  let main: GoModule | undefined;
  const dependencies: GoModule[] = [];
  const settings = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [kind, first = '', second = ''] = line.split('\t');
    const module = { path: first, version: second };
    // Programs that were built outside of modules only say what they are.
    if (kind === 'path' && first !== 'command-line-arguments') main ??= { path: first, version: '' };
    else if (kind === 'mod') main = module;
    else if (kind === 'dep') dependencies.push(module);
    // What is built in is the replacement.
    else if (kind === '=>' && dependencies.length > 0) dependencies[dependencies.length - 1] = module;
    else if (kind === 'build') {
      const equals = first.indexOf('=');
      if (equals > 0) settings.set(first.slice(0, equals), first.slice(equals + 1));
    }
  }
  return { ...(main !== undefined && { main }), dependencies, settings };
}
