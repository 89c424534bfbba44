import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../ground/http/proxy.ts';
import { AdvisoryDatabase } from '../../risk/advisories/database.ts';
import { EngineFailure, type ScanEngine } from '../../risk/scan/engine.ts';
import { EmbeddedEngine } from '../../risk/scan/engines/embedded.ts';
import { GrypeEngine } from '../../risk/scan/engines/grype.ts';
import { TrivyEngine } from '../../risk/scan/engines/trivy.ts';
import { findLockedTool, type ToolPlace } from '../tools/find-locked.ts';

export const engineNames = ['trivy', 'grype', 'embedded'] as const;
export type EngineName = (typeof engineNames)[number];

export interface OpenEngines extends ToolPlace {
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
  const tool = await findLockedTool(name, o);
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
