import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../ground/http/proxy.ts';
import { isMissing } from '../../ground/store/write-fault.ts';
import type { Clock } from '../../model/clock.ts';
import { AdvisoryDatabase } from '../../risk/advisories/database.ts';
import { EngineFailure, type ScanEngine } from '../../risk/scan/engine.ts';
import { EmbeddedEngine } from '../../risk/scan/engines/embedded.ts';
import { GrypeEngine } from '../../risk/scan/engines/grype.ts';
import { TrivyEngine } from '../../risk/scan/engines/trivy.ts';
import { findTool } from '../../risk/tools/find-tool.ts';
import { readToolsLock, type ToolsLock } from '../../risk/tools/lock.ts';

export const engineNames = ['trivy', 'grype', 'embedded'] as const;
export type EngineName = (typeof engineNames)[number];

export interface OpenEngines {
  readonly env: Environment;
  readonly cwd: string;
  readonly clock: Clock;
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
    engines.push(name === 'embedded' ? await openEmbedded(o) : await openProgram(name, o));
  }
  return engines;
}

async function openProgram(name: 'trivy' | 'grype', o: OpenEngines): Promise<ScanEngine> {
  const lock = await readLock(o.cwd);
  const tool = await findTool({ tool: name, searchPath: o.env['PATH'], lock, now: o.clock.now() });
  if (tool === undefined) {
    const status = o.engines === undefined ? 'absent' : 'error';
    return brokenEngine(name, new EngineFailure(status, 'it is not installed'));
  }
  const options = { tool, allowUnverified: o.allowUnverifiedTools === true };
  const cache = o.env['XDG_CACHE_HOME'] || join(o.env['HOME'] || homedir(), '.cache');
  if (name === 'trivy') {
    return new TrivyEngine({ ...options, cacheFolder: o.env['TRIVY_CACHE_DIR'] || join(cache, 'trivy') });
  }
  const cacheFolder = o.env['GRYPE_DB_CACHE_DIR'] || join(cache, 'grype', 'db');
  return new GrypeEngine({ ...options, cacheFolder });
}

/** Which programs this project vouches for; a lock that cannot be read is no lock that allows anything. */
async function readLock(cwd: string): Promise<ToolsLock | undefined> {
  const path = join(cwd, '.cascadeguard', 'tools.lock.json');
  try {
    return readToolsLock(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export async function openEmbedded(o: OpenEngines): Promise<ScanEngine> {
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
