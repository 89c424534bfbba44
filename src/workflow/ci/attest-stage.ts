import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { type AttestedImage, attestImage, type PredicateFile } from '../attest-image.ts';
import { writeCycloneDx, writeSpdx } from '../list-contents.ts';
import { makeProvenance } from '../make-provenance.ts';
import { writeCosignVuln } from '../scan-image.ts';
import type { SignImageOptions } from '../sign-image.ts';
import { digestOf, readJsonFile } from './handover.ts';
import { type JudgedImage, judgeScan } from './scan/judge-scan.ts';

export interface AttestStage extends SignImageOptions {
  readonly cwd: string;
  readonly scan: string;
  /** The file that the build left; without it CG_BUILD_RECORD holds the record. */
  readonly build?: string;
  readonly version: string;
}

/**
 * Attests what the build and the scan found out, under the digests that the image really has. Statements are made here,
 * from what was judged: the folder of the scan holds none that anybody signs.
 */
export async function attestStage(o: AttestStage): Promise<AttestedImage> {
  const { folder, images } = await judgeScan({ ...o, ref: o.image });
  const repository = o.image.replace(/@.*$/, '');
  const digest = digestOf(o.image);
  const temporary = await mkdtemp(join(tmpdir(), 'cg-attest-'));
  try {
    // Every platform answers for itself to whoever takes only that one.
    const provenance = await writeProvenance(o, temporary);
    const own: PredicateFile[] = [provenance];
    for (const [at, image] of images.entries()) {
      const predicates = await writeStatements(image, folder.sbom, join(temporary, `${at}`), o.version);
      if (image.digest === digest) own.push(...predicates);
      else
        await attestImage({
          ...o,
          recursive: false,
          image: `${repository}@${image.digest}`,
          predicates: [provenance, ...predicates],
        });
    }
    return await attestImage({ ...o, recursive: false, predicates: own });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function writeStatements(
  { report, runs, inventory }: JudgedImage,
  sbom: boolean,
  prefix: string,
  version: string,
): Promise<readonly PredicateFile[]> {
  const statements = [
    ...writeCosignVuln(report, runs).map(value => ['vuln', JSON.stringify(value)] as const),
    ...(sbom
      ? [
          ['spdxjson', writeSpdx(inventory, { version })] as const,
          ['cyclonedx', writeCycloneDx(inventory, { version })] as const,
        ]
      : []),
  ];
  return await Promise.all(
    statements.map(async ([type, text], at) => {
      const file = `${prefix}-${at}-${type}.json`;
      await writeFile(file, text, { mode: 0o600 });
      return { type, file };
    }),
  );
}

async function writeProvenance(o: AttestStage, folder: string): Promise<PredicateFile> {
  const record = join(folder, 'record.json');
  await writeFile(record, await readRecord(o), { mode: 0o600 });
  const predicate = await makeProvenance({ ...o, record });
  const file = join(folder, 'provenance.json');
  await writeFile(file, JSON.stringify(predicate), { mode: 0o600 });
  return { type: 'slsaprovenance1', file };
}

async function readRecord({ build, cwd, env, image }: AttestStage): Promise<string> {
  const text =
    build === undefined
      ? env['CG_BUILD_RECORD']
      : JSON.stringify(((await readJsonFile(resolve(cwd, build))) as { readonly record?: unknown }).record);
  if (text !== undefined && text !== '' && text.includes(digestOf(image))) return text;
  throw new Fault('USAGE', {
    what:
      text === undefined || text === ''
        ? 'nothing says how the image was built'
        : 'the record is about another image',
    expected: '--build FILE, or the output "record" of cg ci build in CG_BUILD_RECORD',
    next: 'cg ci build NAME --push-by-digest --out build.json',
  });
}
