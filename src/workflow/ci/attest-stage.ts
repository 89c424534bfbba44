import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { type AttestedImage, attestImage } from '../attest-image.ts';
import { inspectImage } from '../inspect-image.ts';
import { makeProvenance } from '../make-provenance.ts';
import type { SignImageOptions } from '../sign-image.ts';
import { readJsonFile } from './handover.ts';
import { digestOf, readScanFolder } from './scan-stage.ts';

export interface AttestStage extends SignImageOptions {
  readonly cwd: string;
  readonly scan: string;
  /** The file that the build left; without it CG_BUILD_RECORD holds the record. */
  readonly build?: string;
  readonly version: string;
}

/** Attests what the build and the scan found out, under the digests that the image really has. */
export async function attestStage(o: AttestStage): Promise<AttestedImage> {
  const folder = resolve(o.cwd, o.scan);
  const { statements } = await readScanFolder(folder, o.image);
  const repository = o.image.replace(/@.*$/, '');
  const digest = digestOf(o.image);
  const own = await digestsOf(o);
  const stray = statements.find(one => !own.has(one.digest));
  if (stray !== undefined)
    throw new Fault('USAGE', {
      what: 'the scan speaks of an image that is not in this one',
      actual: stray.digest,
      where: folder,
    });
  const temporary = await mkdtemp(join(tmpdir(), 'cg-attest-'));
  try {
    const provenance = await writeProvenance(o, temporary);
    for (const other of new Set(statements.map(one => one.digest))) {
      if (other === digest) continue;
      await attestImage({
        ...o,
        recursive: false,
        image: `${repository}@${other}`,
        predicates: predicatesFor(other),
      });
    }
    return await attestImage({ ...o, recursive: false, predicates: [provenance, ...predicatesFor(digest)] });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  function predicatesFor(one: string): { type: string; file: string }[] {
    return statements
      .filter(s => s.digest === one)
      .map(({ type, file }) => ({ type, file: join(folder, file) }));
  }
}

/** A scanner that was taken over must not have anything else attested. */
async function digestsOf(o: AttestStage): Promise<ReadonlySet<string>> {
  const { digest, children = [] } = await inspectImage({ ...o, referrers: false });
  return new Set([digest, ...children.map(child => child.digest)]);
}

async function writeProvenance(o: AttestStage, folder: string): Promise<{ type: string; file: string }> {
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
