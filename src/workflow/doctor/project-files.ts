import { join } from 'node:path';
import type * as z from 'zod';
import { ImagesFile, pathInImagesFile } from '../../config/images-file.ts';
import { ProjectFile } from '../../config/project-file.ts';
import { type ConfigForm, readConfig } from '../../config/read-config.ts';
import { projectFileName } from '../../config/settings.ts';
import { FaultList } from '../../ground/fault/fault.ts';
import { asFault } from '../../ground/fault/render.ts';
import type { Finding, Machine } from './finding.ts';

const area = 'this project';

export async function checkProjectFiles({ cwd }: Machine): Promise<readonly Finding[]> {
  return await Promise.all([
    checkFile(cwd, projectFileName, ProjectFile, () => 'valid'),
    checkFile(cwd, 'images.yaml', ImagesFile, value => `valid, ${value.images.length} images`, {
      toWritten: pathInImagesFile,
      unknownKeys: 'report',
    }),
  ]);
}

async function checkFile<S extends z.ZodType>(
  cwd: string,
  check: string,
  schema: S,
  describe: (value: z.infer<S>) => string,
  form?: ConfigForm,
): Promise<Finding> {
  try {
    const config = await readConfig(join(cwd, check), schema, form);
    if (config === undefined) return { area, check, health: 'skipped', found: 'there is none here' };
    return { area, check, health: 'ok', found: describe(config.value) };
  } catch (error) {
    const fault = asFault(error);
    const first = fault instanceof FaultList ? fault.faults[0] : fault;
    const place = first?.where?.replace(`${cwd}/`, '') ?? check;
    return {
      area,
      check,
      health: 'broken',
      found: `${place}: ${first?.message ?? fault.message}`,
      fix: 'cg config show',
    };
  }
}
