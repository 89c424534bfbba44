import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Environment } from '../../ground/http/proxy.ts';
import { writeFileAtomically } from '../../ground/store/atomic-file.ts';
import { makeFolder } from '../../ground/store/make-folder.ts';
import { cacheFolder } from '../../ground/store/user-folders.ts';
import { type Digest, hexOf } from '../../model/digest.ts';
import type { Scanned } from '../../risk/scan/scan-target.ts';
import { countFindings } from '../../risk/scan/silence.ts';

const Counts = z.record(z.string(), z.number().int().nonnegative());

/** How many findings each engine had for an image the last time; a memory that cannot be read is none. */
export async function recallScan(
  env: Environment,
  digest: Digest,
): Promise<Readonly<Record<string, number>>> {
  try {
    return Counts.parse(JSON.parse(await readFile(fileOf(env, digest), 'utf8')));
  } catch {
    return {};
  }
}

/** What was strange is not remembered: it stays strange until somebody accepts it. */
export async function rememberScan(
  env: Environment,
  digest: Digest,
  { report, runs }: Scanned,
): Promise<void> {
  const isStrange = report.verdict.rules.some(({ id, result }) => id === 'silence' && result !== 'pass');
  const counts = countFindings(runs);
  if (isStrange || counts.size === 0) return;
  const known = await recallScan(env, digest);
  const path = fileOf(env, digest);
  await makeFolder(join(path, '..'));
  await writeFileAtomically(path, JSON.stringify({ ...known, ...Object.fromEntries(counts) }));
}

function fileOf(env: Environment, digest: Digest): string {
  return join(cacheFolder(env), 'scans', `${hexOf(digest)}.json`);
}
