import { resolve } from 'node:path';
import * as z from 'zod';
import { Fault } from '../../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../../ground/store/atomic-file.ts';
import { makeFolder } from '../../../ground/store/make-folder.ts';
import { readRegularFile } from '../../../ground/store/regular-file.ts';
import { isMissing } from '../../../ground/store/write-fault.ts';

const FindingsFile = z.strictObject({
  schema: z.literal('known-findings/v1'),
  /** By image, then `CVE package version`; since when it is known. */
  images: z.record(z.string(), z.record(z.string(), z.iso.datetime())),
});

type Known = ReadonlyMap<string, string>;

const largest = 64 * 1024 * 1024;
const fileName = 'findings.json';

/** What is known of what runs, beside the rest of the state: a run that learns nothing changes no byte of it. */
export class KnownFindings {
  readonly #path: string;
  readonly #before: string | undefined;
  readonly #images: ReadonlyMap<string, Known>;
  readonly #now = new Map<string, Known>();

  private constructor(path: string, before: string | undefined, images: ReadonlyMap<string, Known>) {
    this.#path = path;
    this.#before = before;
    this.#images = images;
  }

  static async open(folder: string): Promise<KnownFindings> {
    const path = resolve(folder, fileName);
    const text = await readText(path);
    if (text === undefined) return new KnownFindings(path, undefined, new Map());
    const entries = Object.entries(parse(text, path).images);
    return new KnownFindings(
      path,
      text,
      new Map(entries.map(([image, found]) => [image, new Map(Object.entries(found))])),
    );
  }

  of(image: string): Known | undefined {
    return this.#images.get(image);
  }

  /** What it has now; what it had before keeps its time. */
  learn(image: string, findings: readonly string[], at: string): void {
    const before = this.of(image);
    this.#now.set(image, new Map(findings.toSorted().map(key => [key, before?.get(key) ?? at])));
  }

  /** Nobody could look: nothing is forgotten. */
  keep(image: string): void {
    const before = this.of(image);
    if (before !== undefined) this.#now.set(image, before);
  }

  async save(): Promise<void> {
    const images = [...this.#now].toSorted(([one], [other]) => (one < other ? -1 : 1));
    const file = {
      schema: 'known-findings/v1',
      images: Object.fromEntries(images.map(([image, found]) => [image, Object.fromEntries(found)])),
    };
    const text = `${JSON.stringify(file, undefined, 2)}\n`;
    if (text === this.#before) return;
    await makeFolder(resolve(this.#path, '..'));
    await writeFileAtomically(this.#path, text);
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const bytes = await readRegularFile(path, largest);
    if (bytes !== undefined) return bytes.toString('utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  throw new Fault('LIMIT_EXCEEDED', { what: 'the file is too large', where: path });
}

function parse(text: string, where: string): z.infer<typeof FindingsFile> {
  let cause: unknown;
  try {
    return FindingsFile.parse(JSON.parse(text));
  } catch (error) {
    cause = error;
  }
  throw new Fault('FILE_INVALID', {
    what: 'this is not what cg ci rescan keeps',
    where,
    next: `git checkout -- ${fileName}, or remove the file: then what was attested is what is known`,
    cause,
  });
}
