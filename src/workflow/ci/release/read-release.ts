import { Fault } from '../../../ground/fault/fault.ts';
import { digestOf, readJsonFile } from '../handover.ts';
import type { Release } from './collect-stage.ts';

/** The digests of a release. */
export async function readRelease(file: string): Promise<readonly string[]> {
  const { images } = (await readJsonFile(file)) as Partial<Release>;
  if (!Array.isArray(images) || images.length === 0 || images.some(one => typeof one?.ref !== 'string'))
    throw new Fault('FILE_INVALID', { what: 'this is not what cg ci collect leaves', where: file });
  const refs = images.map(({ ref }) => ref);
  for (const ref of refs) digestOf(ref);
  return refs;
}
