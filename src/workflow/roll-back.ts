import type { Snapshot } from '../delivery/git/snapshot.ts';
import type { ImageChange } from '../delivery/gitops/image-file.ts';
import { Fault } from '../ground/fault/fault.ts';
import type { EnvironmentFile } from './gitops/edit-environment.ts';
import { type Environment, findEnvironment, readDeployment } from './gitops/environments.ts';
import { readPinHistories } from './gitops/pin-history.ts';
import { imageTrailers, type PinImagesOptions, type PinnedImages, pinImages } from './gitops/pin-images.ts';
import { requireEntries } from './gitops/require-entries.ts';

export interface RollBackOptions extends PinImagesOptions {
  readonly environment: string;
  /** Entries to roll back; without any, all that have a digest before this one. */
  readonly names?: readonly string[];
}

/** Brings back the digests that an environment had before, when their evidence still satisfies its policy. */
export async function rollBack(o: RollBackOptions): Promise<PinnedImages> {
  const deployment = await readDeployment(o);
  const environment = findEnvironment(deployment, o.environment);
  return await pinImages(
    o,
    { deployment, environment },
    {
      verb: 'revert',
      wholeHistory: true,
      propose: async (file, head, ask) => {
        const changes = await findPrevious(file, head, environment, o);
        for (const { name, digest, newName } of changes) await ask(`${newName ?? name}@${digest}`);
        return changes;
      },
      trailers: changes => [
        ...imageTrailers(changes),
        ...changes.flatMap(({ name, from }) =>
          from === undefined ? [] : [['Rolled-Back-From', `${name}@${from}`] as const],
        ),
      ],
    },
  );
}

async function findPrevious(
  file: EnvironmentFile,
  head: Snapshot,
  environment: Environment,
  { names = [] }: RollBackOptions,
): Promise<readonly ImageChange[]> {
  const { pins, path } = file;
  requireEntries(names, file, environment);
  const histories = await readPinHistories(head, file);
  const chosen = names.length === 0 ? pins : pins.filter(({ name }) => names.includes(name));
  const changes: ImageChange[] = [];
  for (const pin of chosen) {
    const previous = histories.get(pin.name)?.find(({ digest }) => digest !== pin.digest);
    if (previous === undefined) continue;
    changes.push({
      name: pin.name,
      digest: previous.digest,
      ...(previous.tag !== undefined && pin.tag !== undefined && { tag: previous.tag }),
      ...(pin.newName !== undefined && { newName: pin.newName }),
    });
  }
  if (changes.length > 0) return changes;
  throw new Fault('PROMOTION_REFUSED', {
    what:
      names.length === 0
        ? `${environment.name} never had other digests`
        : `${environment.name} never had another digest of ${names.join(', ')}`,
    where: path,
    expected: 'a commit of its file with another digest',
  });
}
