import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from '../../tools/sandbox.ts';
import {
  EngineFailure,
  type EngineOptions,
  type EngineReport,
  type ScanEngine,
  type ScanTarget,
} from '../engine.ts';
import { type ExternalOptions, type ProgramCall, reportPath, runProgram } from './external.ts';
import { parseGrypeReport } from './grype-report.ts';

export interface GrypeOptions extends ExternalOptions {
  /** Grype's own database folder, which holds a folder named by its schema. */
  readonly cacheFolder: string;
}

const schema = '6';

/** The real Grype, offline, with none of its gates and none of its configuration files. */
export class GrypeEngine implements ScanEngine {
  readonly id = 'grype';
  readonly needsLayout = true;
  readonly #options: GrypeOptions;

  constructor(options: GrypeOptions) {
    this.#options = options;
  }

  async scan(target: ScanTarget, o: EngineOptions): Promise<EngineReport> {
    const { cacheFolder } = this.#options;
    const call: ProgramCall = {
      name: 'grype',
      prepare: (sandbox, what) => prepare(sandbox, what, cacheFolder),
      parse: parseGrypeReport,
    };
    return await runProgram(call, this.#options, target, o);
  }
}

async function prepare(
  sandbox: Sandbox,
  target: ScanTarget,
  cacheFolder: string,
): Promise<{ args: string[]; env: Record<string, string> }> {
  const database = await sandbox.bringFolder(join(cacheFolder, schema), `db/${schema}`).catch(() => {
    throw new EngineFailure('stale-db', `it has no database in ${cacheFolder}: grype db update`);
  });
  const config = join(sandbox.folder, 'grype.yaml');
  await writeFile(config, '', { mode: 0o644 });
  const subject =
    target.layout !== undefined
      ? `oci-dir:${target.layout.folder}`
      : target.sbomFile !== undefined
        ? `sbom:${await sandbox.bringFile(target.sbomFile)}`
        : undefined;
  if (subject === undefined) throw new EngineFailure('error', 'there is nothing that it could read');
  return {
    args: [subject, '-q', '-c', config, '--scope', 'squashed', '-o', `json=${reportPath(sandbox)}`],
    env: {
      GRYPE_DB_CACHE_DIR: join(database, '..'),
      GRYPE_DB_AUTO_UPDATE: 'false',
      // We judge its age ourselves, and say so.
      GRYPE_DB_VALIDATE_AGE: 'false',
      GRYPE_CHECK_FOR_APP_UPDATE: 'false',
    },
  };
}
