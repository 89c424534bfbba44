import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../src/ground/process/run.ts';
import { hasClusterSchemas, needsClusterSchemas, writeClusterSchemas } from './cluster-schemas.ts';
import { findPeer } from './peers.ts';

const program = findPeer('kubeconform');
export const canAskKubeconform = hasClusterSchemas && program !== undefined;
/** For the name of a test that looks at nothing without the program and the vendors' schemas. */
export const needsKubeconform = `${program === undefined ? ' [needs kubeconform]' : ''}${needsClusterSchemas}`;

/** What kubeconform says of files, strictly and by the vendors' schemas. */
export async function askKubeconform(
  files: readonly string[],
  ...flags: readonly string[]
): Promise<{ readonly code: number | undefined; readonly said: string }> {
  const schemas = await mkdtemp(join(tmpdir(), 'cg-schemas-'));
  try {
    writeClusterSchemas(schemas);
    const location = `${schemas}/{{ .Group }}_{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json`;
    const { code, stdout } = await run({
      program: program ?? '',
      args: ['-strict', '-summary', ...flags, '-schema-location', location, ...files],
      env: {},
      timeLimit: 60_000,
    });
    return { code, said: stdout.toString() };
  } finally {
    await rm(schemas, { recursive: true });
  }
}
