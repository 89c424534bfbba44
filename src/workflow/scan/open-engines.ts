import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../ground/http/proxy.ts';
import { AdvisoryDatabase } from '../../risk/advisories/database.ts';
import { EngineFailure, type ScanEngine } from '../../risk/scan/engine.ts';
import { EmbeddedEngine } from '../../risk/scan/engines/embedded.ts';

export const engineNames = ['trivy', 'grype', 'embedded'] as const;
export type EngineName = (typeof engineNames)[number];

export interface OpenEngines {
  readonly env: Environment;
  /** Asked for by name; without it all that there are. */
  readonly engines?: readonly EngineName[];
  /** Where cg db keeps its index. */
  readonly database?: string;
  readonly version: string;
  /** Run programs that the lock does not vouch for; they can deny, but never allow. */
  readonly allowUnverifiedTools?: boolean;
}

/** The folder of the advisory index on this machine. */
export function advisoryFolder(env: Environment): string {
  const cache = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  return env['CG_DB'] || join(cache, 'cascadeguard', 'advisories');
}

/** Engines ready to run. One that is missing is still in the list, and says so when it is its turn. */
export async function openEngines(o: OpenEngines): Promise<readonly ScanEngine[]> {
  const engines: ScanEngine[] = [];
  for (const name of engineNames) {
    if (o.engines !== undefined && !o.engines.includes(name)) continue;
    if (name === 'embedded') engines.push(await openEmbedded(o));
  }
  return engines;
}

async function openEmbedded(o: OpenEngines): Promise<ScanEngine> {
  try {
    const opened = await new AdvisoryDatabase(o.database ?? advisoryFolder(o.env)).open();
    if (opened !== undefined) return new EmbeddedEngine(opened.index, opened.identity, o.version);
  } catch (error) {
    return brokenEngine(
      'embedded',
      new EngineFailure('bad-report', error instanceof Error ? error.message : String(error)),
    );
  }
  const status = o.engines === undefined ? 'absent' : 'error';
  return brokenEngine(
    'embedded',
    new EngineFailure(status, 'it has no advisories: cg db import, or cg db update'),
  );
}

export function brokenEngine(id: EngineName, failure: EngineFailure): ScanEngine {
  return { id, scan: () => Promise.reject(failure) };
}
