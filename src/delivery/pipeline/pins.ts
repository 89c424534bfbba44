/** What a name stands for, exactly: the commit of an action, or the digest of an image. */
export interface Pin {
  readonly at: string;
  /** The tag that it was found under. */
  readonly version?: string;
}

export type Pins = ReadonlyMap<string, Pin>;

/** The only actions in a pipeline. */
export const actionPins: Pins = new Map([
  ['actions/checkout', { at: '3d3c42e5aac5ba805825da76410c181273ba90b1', version: 'v7.0.1' }],
  ['actions/upload-artifact', { at: '043fb46d1a93c77aae656e7c1c64a875d1fc6a0a', version: 'v7.0.1' }],
  ['actions/download-artifact', { at: '3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c', version: 'v8.0.1' }],
]);

const action = /uses: ([\w.-]{1,100}\/[\w.-]{1,100})@([0-9a-f]{40})(?: # (\S{1,60}))?\r?$/gm;
const image = /image: ([\w./:-]{1,255}?)(?::([\w.-]{1,128}))?@(sha256:[0-9a-f]{64})\r?$/gm;

/** The pins that stand in a generated file; of two for one name, the newer. */
export function findPins(text: string): Pins {
  const found = new Map<string, Pin>();
  const keep = (name: string, at: string, version: string | undefined) => {
    const pin: Pin = { at, ...(version !== undefined && { version }) };
    found.set(name, newerPin(found.get(name), pin));
  };
  for (const [, name = '', at = '', version] of text.matchAll(action)) keep(name, at, version);
  for (const [, name = '', version, at = ''] of text.matchAll(image)) keep(name, at, version);
  return found;
}

/** `NAME:TAG@sha256:…` as its name and its pin. */
export function parseImagePin(text: string): readonly [string, Pin] | undefined {
  const [found] = findPins(`image: ${text}`);
  return found;
}

export function writeImagePin(name: string, { at, version }: Pin): string {
  return `${name}${version === undefined ? '' : `:${version}`}@${at}`;
}

/** Bots write versions in full or in part; the numbers in them say which is newer. */
export function newerPin(one: Pin | undefined, other: Pin): Pin {
  if (one === undefined) return other;
  const [mine, theirs] = [numbersOf(one), numbersOf(other)];
  for (let at = 0; at < Math.max(mine.length, theirs.length); at++) {
    const difference = (mine[at] ?? 0) - (theirs[at] ?? 0);
    if (difference !== 0) return difference > 0 ? one : other;
  }
  return one;
}

function numbersOf({ version = '' }: Pin): readonly number[] {
  return (version.match(/\d{1,9}/g) ?? []).map(Number);
}
