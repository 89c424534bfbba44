import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { parseBuildRecord } from '../../../trust/attest/provenance/build-record-file.ts';
import type { AttestedImage } from '../../attest-image.ts';
import type { FleetPlace } from '../../images/fleet-place.ts';
import { makeProvenance, type ProvenancePredicate } from '../../make-provenance.ts';
import { proveImage } from '../../prove-image.ts';
import type { SignImageOptions } from '../../sign-image.ts';
import { digestOf, readJsonFile } from '../handover.ts';
import { judgeScan } from '../scan/judge-scan.ts';
import { checkRecord } from './check-record.ts';

export interface AttestStage extends SignImageOptions, FleetPlace {
  readonly env: FleetPlace['env'];
  readonly cwd: string;
  readonly scan: string;
  /** The file that the build left; without it CG_BUILD_RECORD holds the record. */
  readonly build?: string;
  readonly version: string;
  /** Where cg db keeps the index of this machine. */
  readonly database?: string;
}

/**
 * Attests what the build and the scan found out, under the digests that the image really has. Statements are made here,
 * from what was judged and from a record that the checkout bears out: no job before hands over one that anybody signs.
 */
export async function attestStage(o: AttestStage): Promise<AttestedImage> {
  const { folder, images } = await judgeScan({ ...o, ref: o.image });
  const provenance = await findProvenance(o);
  return await proveImage({ ...o, provenance, images, sboms: folder.sbom });
}

async function findProvenance(o: AttestStage): Promise<ProvenancePredicate> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-attest-'));
  try {
    const record = join(folder, 'record.json');
    const said = parseBuildRecord(await readRecord(o), o.build ?? 'CG_BUILD_RECORD');
    const checked = await checkRecord(said, o);
    await writeFile(record, JSON.stringify(checked), { mode: 0o600 });
    return await makeProvenance({ ...o, record });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
