import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';

/** The bookstore that ships with the program: beside the bundle, or in the sources. */
export async function findExample(from: string = import.meta.dirname): Promise<string> {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'examples', 'bookstore');
    if ((await stat(join(candidate, 'shop', 'images.yaml')).catch(() => undefined))?.isFile() === true)
      return candidate;
    if (dirname(folder) === folder) break;
  }
  throw new Fault('FILE_MISSING', {
    what: 'the example shop is not where the program was installed',
    where: from,
    expected: 'examples/bookstore',
    next: 'install the package again; cg up --no-story runs without it',
  });
}
