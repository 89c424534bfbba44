import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { isMissing } from '../../../ground/store/write-fault.ts';
import type { FleetPlace } from '../../images/fleet-place.ts';
import { type Fleet, readFleet, selectImages } from '../../images/read-fleet.ts';
import { repositoryOf } from '../build-stage.ts';
import { readJsonFile, writeHandover } from '../handover.ts';
import type { VerifyStage } from '../prove/verify-stage.ts';
import { isDigestIn, type Release, refuseTwoDigests } from './read-release.ts';
import { verifyRelease } from './verify-release.ts';

export interface CollectStage extends Omit<VerifyStage, 'ref' | 'isKept'>, FleetPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A JSON array of names. */
  readonly expect: string;
  readonly results: string;
  /** What cg ci plan left out, as JSON: it keeps its digest in the release. */
  readonly kept?: string;
  /** Also judge every digest by the policy, and demand this job's commit of what was built. */
  readonly verify: boolean;
  readonly out?: string;
}

/** One result for each expected image, no more and no less: a lost leg of a matrix is never a smaller release. */
export async function collectStage(o: CollectStage): Promise<Release> {
  const expected = readExpected(o.expect, o.kept !== undefined);
  const fleet = await readFleet(o);
  const folder = resolve(o.cwd, o.results);
  const found = new Map<string, string>();
  for (const file of (await listResults(folder)).toSorted()) {
    const { image, ref } = await readResult(join(folder, file));
    if (typeof image !== 'string' || !expected.includes(image))
      throw untrusted('an image that nobody expected', file);
    if (found.has(image)) throw untrusted(`a second result for ${image}`, file);
    found.set(image, requireOurs(fleet, image, ref, file));
  }
  const missing = expected.filter(name => !found.has(name));
  if (missing.length > 0) throw untrusted(`no result for ${missing.join(', ')}`, o.results);
  const kept = new Set<string>();
  for (const { image, ref } of readKept(o.kept ?? '[]')) {
    if (found.has(image)) throw untrusted(`a digest that was kept for ${image}, and another one`, o.results);
    found.set(image, requireOurs(fleet, image, ref, '--kept'));
    kept.add(image);
  }
  const images = [...found]
    .map(([image, ref]) => ({ image, ref }))
    .toSorted((one, other) => (one.image < other.image ? -1 : 1));
  refuseTwoDigests(
    images.map(({ ref }) => ref),
    o.results,
  );
  if (o.verify) await verifyRelease(images, image => kept.has(image), o);
  if (o.out !== undefined) await writeHandover(o.out, o.cwd, { images });
  return { images };
}

/** A digest in the repository of the image, and nothing that only looks like one. */
function requireOurs(fleet: Fleet, image: string, ref: unknown, where: string): string {
  const [entry] = selectImages(fleet, [image]);
  const repository = entry === undefined ? '' : repositoryOf(entry, fleet.file);
  if (isDigestIn(repository, ref)) return ref;
  throw untrusted(`no digest of ${repository}`, where);
}

function readKept(text: string): readonly { readonly image: string; readonly ref: unknown }[] {
  try {
    const kept: unknown = JSON.parse(text);
    if (Array.isArray(kept) && kept.every(one => typeof one?.image === 'string')) return kept;
  } catch {}
  throw new Fault('USAGE', {
    what: '--kept is not what cg ci plan gives out',
    expected: '[{"image":"api","ref":"…@sha256:…"}]',
    actual: text.slice(0, 200),
  });
}

function readExpected(text: string, mayBeEmpty: boolean): readonly string[] {
  try {
    const names: unknown = JSON.parse(text);
    if (
      Array.isArray(names) &&
      (mayBeEmpty || names.length > 0) &&
      names.every(name => typeof name === 'string')
    )
      return [...new Set(names)].toSorted();
  } catch {}
  throw new Fault('USAGE', {
    what: '--expect is not a list of names',
    expected: '["api","web"]',
    actual: text.slice(0, 200),
  });
}

/** Where every leg was lost there is no folder either. */
async function listResults(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter(name => name.endsWith('.json'));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function readResult(path: string): Promise<{ readonly image?: unknown; readonly ref?: unknown }> {
  try {
    return await readJsonFile(path);
  } catch (cause) {
    throw new Fault('RESULTS_UNTRUSTED', { what: 'a result cannot be read', where: path, cause });
  }
}

function untrusted(what: string, where: string): Fault {
  return new Fault('RESULTS_UNTRUSTED', { what, where });
}
