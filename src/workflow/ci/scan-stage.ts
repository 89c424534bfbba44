import { join, resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { writeFileAtomically } from '../../ground/store/atomic-file.ts';
import { makeFolder } from '../../ground/store/make-folder.ts';
import { listContents, writeCycloneDx, writeSpdx } from '../list-contents.ts';
import {
  type ScanImage,
  type ScannedWithRuns,
  scanImage,
  writeCosignVuln,
  writeSarif,
} from '../scan-image.ts';
import { readJsonFile, readReference } from './handover.ts';
import { refuseSigningCredentials } from './stage-credentials.ts';

export interface ScanStage extends Omit<ScanImage, 'env'> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly image: string;
  readonly sbom: boolean;
  readonly out: string;
}

/** What a scan leaves in its folder, for the gate and for whoever attests. */
export interface ScanFolder {
  readonly ref: string;
  readonly image: string;
  readonly status: 'allow' | 'deny' | 'indeterminate';
  readonly cause?: 'remote' | 'trust';
  readonly statements: readonly StatementFile[];
}

export interface StatementFile {
  readonly digest: string;
  readonly type: string;
  readonly file: string;
}

const indexName = 'scan.json';

/** Asks every engine about exactly the digest that was pushed. What it found decides nothing here. */
export async function scanStage(o: ScanStage): Promise<{ folder: ScanFolder; scanned: ScannedWithRuns }> {
  refuseSigningCredentials('scan', o.env);
  const ref = await readReference(o.target, o.cwd);
  const out = resolve(o.cwd, o.out);
  await makeFolder(out);
  const scanned = await scanImage({ ...o, target: ref });
  const statements: StatementFile[] = [];
  const keep = async (digest: string, type: string, value: string) => {
    const file = `${statements.length}-${type}.json`;
    await writeFileAtomically(join(out, file), value);
    statements.push({ digest, type, file });
  };
  for (const [at, report] of scanned.reports.entries()) {
    const digest = report.subject.digest ?? '';
    for (const value of writeCosignVuln(report, scanned.runs[at]))
      await keep(digest, 'vuln', JSON.stringify(value));
    if (!o.sbom) continue;
    const inventory = await listContents({ ...o, target: `${ref.replace(/@.*$/, '')}@${digest}` });
    await keep(digest, 'spdxjson', writeSpdx(inventory, { version: o.version }));
    await keep(digest, 'cyclonedx', writeCycloneDx(inventory, { version: o.version }));
  }
  await writeFileAtomically(join(out, 'scan.sarif'), JSON.stringify(writeSarif(scanned.reports, o.version)));
  await writeFileAtomically(join(out, 'report.json'), JSON.stringify(scanned));
  const folder: ScanFolder = { ref, image: o.image, ...scanned.verdict, statements };
  await writeFileAtomically(join(out, indexName), `${JSON.stringify(folder, undefined, 2)}\n`);
  return { folder, scanned };
}

/** The folder of a scan, which must be about this very digest; its files never lead out of it. */
export async function readScanFolder(path: string, ref: string): Promise<ScanFolder> {
  const folder = (await readJsonFile(join(path, indexName))) as Partial<ScanFolder>;
  const digest = digestOf(ref);
  const statements = folder.statements;
  const isWhole =
    ['allow', 'deny', 'indeterminate'].includes(folder.status ?? '') &&
    Array.isArray(statements) &&
    statements.every(
      one =>
        /^[A-Za-z0-9][A-Za-z0-9.-]{0,100}$/.test(String(one.file)) &&
        /^sha256:[0-9a-f]{64}$/.test(String(one.digest)) &&
        ['vuln', 'spdxjson', 'cyclonedx'].includes(one.type),
    );
  if (!isWhole) throw new Fault('FILE_INVALID', { what: 'this is not what cg ci scan leaves', where: path });
  if (typeof folder.ref !== 'string' || digestOf(folder.ref) !== digest)
    throw new Fault('USAGE', {
      what: 'the scan is about another image',
      where: path,
      expected: ref,
      actual: String(folder.ref).slice(0, 300),
      next: `cg ci scan ${ref} --image NAME --out FOLDER`,
    });
  return folder as ScanFolder;
}

/** A stage after the build speaks of a digest, never of a tag that may move. */
export function digestOf(ref: string): string {
  const [, digest] = /@(sha256:[0-9a-f]{64})$/.exec(ref) ?? [];
  if (digest !== undefined) return digest;
  throw new Fault('USAGE', {
    what: 'a stage wants the image by its digest',
    actual: ref.slice(0, 300),
    expected: 'REPOSITORY@sha256:…',
  });
}
