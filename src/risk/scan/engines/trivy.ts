import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { DatabaseIdentity } from '../../../model/finding.ts';
import type { Sandbox } from '../../tools/sandbox.ts';
import {
  EngineFailure,
  type EngineOptions,
  type EngineReport,
  type ScanEngine,
  type ScanTarget,
} from '../engine.ts';
import { checkTrust, type ExternalOptions, type ProgramCall, reportPath, runProgram } from './external.ts';
import { parseTrivyReport } from './trivy-report.ts';

export interface TrivyOptions extends ExternalOptions {
  /** Trivy's own cache folder: `db/trivy.db`, `java-db/`. */
  readonly cacheFolder: string;
}

const Metadata = z.object({ Version: z.number(), UpdatedAt: z.string() });
const timeLimit = '15m';

/** The real Trivy, offline, with none of its gates. */
export class TrivyEngine implements ScanEngine {
  readonly id = 'trivy';
  readonly needsLayout = true;
  readonly #options: TrivyOptions;

  constructor(options: TrivyOptions) {
    this.#options = options;
  }

  async scan(target: ScanTarget, o: EngineOptions): Promise<EngineReport> {
    checkTrust(this.#options);
    // The report says nothing about the age of the database, so we look ourselves.
    const db = await readIdentity(this.#options.cacheFolder);
    const { cacheFolder } = this.#options;
    const call: ProgramCall = {
      name: 'trivy',
      prepare: (sandbox, what) => prepare(sandbox, what, cacheFolder),
      parse: (json, what) => ({ ...parseTrivyReport(json, what), lineage: ['aqua-trivy-db'], db }),
    };
    return await runProgram(call, this.#options, target, o);
  }
}

async function prepare(
  sandbox: Sandbox,
  target: ScanTarget,
  cacheFolder: string,
): Promise<{ args: string[] }> {
  const cache = join(sandbox.folder, 'cache');
  await sandbox.bringFolder(join(cacheFolder, 'db'), 'cache/db');
  if (await isFolder(join(cacheFolder, 'java-db'))) {
    await sandbox.bringFolder(join(cacheFolder, 'java-db'), 'cache/java-db');
  }
  const common = [
    ['--scanners', 'vuln', '--format', 'json', '--output', reportPath(sandbox), '--exit-code', '0'],
    ['--list-all-pkgs', '--show-suppressed', '--quiet', '--no-progress', '--disable-telemetry'],
    ['--skip-version-check', '--timeout', timeLimit, '--cache-dir', cache, '--cache-backend', 'memory'],
    ['--skip-db-update', '--skip-java-db-update', '--offline-scan'],
  ].flat();
  if (target.layout !== undefined) {
    const { folder, digest } = target.layout;
    // The value is cut at the first of these.
    if (/[@:]/.test(folder))
      throw new EngineFailure('error', `Trivy cannot read a folder with @ or : in its name: ${folder}`);
    return { args: ['image', '--input', `${folder}@${digest}`, '--skip-check-update', ...common] };
  }
  if (target.sbomFile === undefined) throw new EngineFailure('error', 'there is nothing that it could read');
  return { args: ['sbom', await sandbox.bringFile(target.sbomFile), ...common] };
}

async function readIdentity(cacheFolder: string): Promise<DatabaseIdentity> {
  const path = join(cacheFolder, 'db', 'metadata.json');
  try {
    const { Version, UpdatedAt } = Metadata.parse(JSON.parse(await readFile(path, 'utf8')));
    return { lineage: 'aqua-trivy-db', version: String(Version), builtAt: UpdatedAt };
  } catch {
    throw new EngineFailure(
      'stale-db',
      `it has no database in ${cacheFolder}: trivy image --download-db-only`,
    );
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
