import { z } from 'zod';
import { Fault, FaultList } from '../../../ground/fault/fault.ts';
import type { BuildRecord } from '../../../model/build-record.ts';
import type { Digest } from '../../../model/digest.ts';

const DigestText = z
  .string()
  .regex(/^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/, 'not a digest, sha256:… or sha512:…')
  .describe('a digest, sha256:… or sha512:…');
const Moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/, 'not a time, as 2026-01-02T03:04:05Z')
  .describe('a time, RFC 3339');
const Word = z.string().min(1).max(4096);

/** What a build writes for its provenance, as a file. */
export const BuildRecordFile = z.strictObject({
  image: Word.describe('the image that was built, without tag'),
  digest: DigestText.describe('its digest, as the registry stored it'),
  dockerfile: Word,
  context: Word.optional(),
  target: Word.optional(),
  platforms: z.array(Word).min(1).max(64),
  buildArgs: z
    .record(z.string(), z.string().max(65_536).nullable())
    .optional()
    .describe('values only of arguments that are not secret; a secret one has null'),
  bases: z
    .array(z.strictObject({ reference: Word, digest: DigestText, platform: Word.optional() }))
    .max(1000)
    .describe('base images, each as the Dockerfile names it and as it was resolved'),
  materials: z
    .array(z.strictObject({ uri: Word, digest: DigestText }))
    .max(10_000)
    .optional()
    .describe('what else was fetched'),
  inputs: z
    .strictObject({
      digest: DigestText,
      dockerfile: DigestText,
      context: DigestText,
      bases: DigestText,
      settings: DigestText,
      shared: DigestText,
    })
    .optional()
    .describe('what decided what was built, as digests'),
  builder: z.strictObject({ driver: Word, version: Word }),
  startedOn: Moment,
  finishedOn: Moment,
});

const largest = 16 * 1024 * 1024;

/** Reads a record and says everything that is wrong with it at once. */
export function parseBuildRecord(text: string, where: string): BuildRecord {
  const parsed = BuildRecordFile.safeParse(parseJson(text, where));
  if (parsed.success) return parsed.data as BuildRecord & { readonly digest: Digest };
  const faults = parsed.error.issues.map(
    ({ path, message }) =>
      new Fault('FILE_INVALID', { what: `${path.join('.') || 'the record'}: ${message}`, where }),
  );
  const what = `The build record is not one: ${faults
    .slice(0, 5)
    .map(fault => fault.message)
    .join('; ')}.`;
  throw new FaultList('FILE_INVALID', { what, where }, faults);
}

function parseJson(text: string, where: string): unknown {
  if (text.length > largest) {
    throw new Fault('FILE_INVALID', {
      what: 'The build record is too large.',
      where,
      expected: `at most ${largest} characters`,
    });
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault('FILE_INVALID', { what: 'The build record is not JSON.', where });
  }
}
