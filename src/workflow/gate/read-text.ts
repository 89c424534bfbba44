import { Fault } from '../../ground/fault/fault.ts';
import { readRegularFile } from '../../ground/store/regular-file.ts';
import { largestYaml } from '../../ground/yaml/read-yaml.ts';

/** A text and what to call it in a sentence about a problem in it. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** A file, or the document itself on the command line: `{…}` and whatever has a line break or `key: value` is one. */
export async function readFileOrInline(given: string, flag: string): Promise<NamedText> {
  if (given.trimStart().startsWith('{') || given.includes('\n') || /^[A-Za-z]+:\s/.test(given))
    return { name: flag, text: given };
  if (/^(?:git::|https?:\/\/|git@|(?:github|gitlab)\.com\/|oci:|k8s:)/.test(given)) {
    throw new Fault('POLICY_UNSUPPORTED', {
      what: `${flag} is not fetched from another place`,
      where: given.slice(0, 200),
      expected: 'a file, or the document itself',
      next: `fetch it, and give the file: ${flag} policy.yaml`,
    });
  }
  return { name: given, text: await readTextFile(given) };
}

export async function readTextFile(path: string, limit = largestYaml): Promise<string> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readRegularFile(path, limit);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('FILE_MISSING', { what: `${path} cannot be read`, where: path, cause });
  }
  if (bytes === undefined)
    throw new Fault('FILE_INVALID', { what: `${path} is larger than ${limit} bytes`, where: path });
  if (bytes.length === 0) throw new Fault('FILE_INVALID', { what: `${path} is empty`, where: path });
  return bytes.toString('utf8');
}
