import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { flagValue } from '../../dockerfile/instruction.ts';
import { readStages } from '../../dockerfile/stages.ts';
import type { BuildRequest } from '../builder.ts';

/**
 * The Dockerfile with every image at the digest to which it was resolved, so that a program that fetches them
 * itself builds on the same bytes that the record names.
 */
export async function writePinnedDockerfile(request: BuildRequest): Promise<string> {
  const path = join(request.workFolder, 'Dockerfile');
  await writeFile(path, pinDockerfile(request), { mode: 0o600 });
  return path;
}

export function pinDockerfile({ dockerfile, bases, buildArgs }: BuildRequest): string {
  const { stages } = readStages(dockerfile, { buildArgs });
  const edits = stages.flatMap(({ from, parent, fromRange, instructions }) => {
    const base = parent === undefined ? bases.get(from) : undefined;
    return [
      ...(base === undefined ? [] : [{ range: fromRange, text: base.pinned }]),
      ...instructions.flatMap(instruction => {
        const copied = bases.get(flagValue(instruction, 'from') ?? '');
        const range = instruction.flags.find(({ name }) => name === 'from')?.range;
        return copied === undefined || range === undefined ? [] : [{ range, text: copied.pinned }];
      }),
    ];
  });
  // From the end, so that the places of the earlier ones stay what they are.
  return edits
    .toSorted((a, b) => b.range.start - a.range.start)
    .reduce(
      (text, { range, text: pinned }) => text.slice(0, range.start) + pinned + text.slice(range.end),
      dockerfile.text,
    );
}
