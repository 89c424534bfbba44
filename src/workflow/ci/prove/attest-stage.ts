import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import type { ScanReport } from '../../../model/finding.ts';
import type { EngineRun } from '../../../risk/scan/engine.ts';
import { type AttestedImage, attestImage, type PredicateFile } from '../../attest-image.ts';
import { writeCycloneDx, writeSpdx } from '../../list-contents.ts';
import { makeProvenance } from '../../make-provenance.ts';
import { writeCosignVuln } from '../../scan-image.ts';
import type { SignImageOptions } from '../../sign-image.ts';
import { digestOf, readJsonFile } from '../handover.ts';
import { joinReports } from '../scan/index-report.ts';
import { type JudgedImage, judgeScan } from '../scan/judge-scan.ts';

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
    const isIndex = images.every(image => image.digest !== digest);
    for (const [at, image] of images.entries()) {
      const prefix = join(temporary, `${at}`);
      const sboms = folder.sbom ? await writeSboms(image, prefix, o.version) : [];
      const scans = await writeScans(image.report, image.runs, prefix);
      own.push(...sboms, ...(isIndex ? [] : scans));
      if (isIndex)
        await attestImage({
          ...o,
          recursive: false,
          image: `${repository}@${image.digest}`,
          predicates: [provenance, ...sboms, ...scans],
        });
    }
    const joined = isIndex
      ? joinReports(
          images.map(({ report }) => report),
          digest,
        )
      : undefined;
    if (joined !== undefined) own.push(...(await writeScans(joined, [], join(temporary, 'index'))));
    return await attestImage({ ...o, recursive: false, predicates: own });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** One statement for each engine that was heard. */
async function writeScans(
  report: ScanReport,
  runs: readonly EngineRun[],
  prefix: string,
): Promise<readonly PredicateFile[]> {
  const values = writeCosignVuln(report, runs);
  return await Promise.all(
    values.map((value, at) => writePredicate('vuln', `${prefix}-${at}`, JSON.stringify(value))),
  );
}

async function writeSboms(
  { inventory }: JudgedImage,
  prefix: string,
  version: string,
): Promise<readonly PredicateFile[]> {
  return [
    await writePredicate('spdxjson', prefix, writeSpdx(inventory, { version })),
    await writePredicate('cyclonedx', prefix, writeCycloneDx(inventory, { version })),
  ];
}

async function writePredicate(type: string, prefix: string, text: string): Promise<PredicateFile> {
  const file = `${prefix}-${type}.json`;
  await writeFile(file, text, { mode: 0o600 });
  return { type, file };
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
  if (text !== undefined && text !== '' && digestIn(text) === digestOf(image)) return text;
  throw new Fault('USAGE', {
    what:
      text === undefined || text === ''
        ? 'nothing says how the image was built'
        : 'the record is about another image',
    expected: '--build FILE, or the output "record" of cg ci build in CG_BUILD_RECORD',
    next: 'cg ci build NAME --push-by-digest --out build.json',
  });
}

function digestIn(record: string): unknown {
  try {
    return (JSON.parse(record) as { readonly digest?: unknown } | null)?.digest;
  } catch {
    return undefined;
  }
}
