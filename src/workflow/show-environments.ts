import { readBranch } from '../delivery/git/change-branch.ts';
import { Fault } from '../ground/fault/fault.ts';
import { inParallel } from '../ground/process/in-parallel.ts';
import { open } from '../image/oci/open.ts';
import { parseImageReference } from '../model/image-reference.ts';
import { readEnvironment } from './gitops/edit-environment.ts';
import { type DeploymentChoice, readDeployment } from './gitops/environments.ts';
import { readPinHistories } from './gitops/pin-history.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

export interface ShowEnvironmentsOptions extends DeploymentChoice, Omit<ReachOptions, 'env' | 'signal'> {}

export interface WhereMatrix {
  readonly repository: string;
  readonly branch: string;
  readonly commit: string;
  readonly environments: readonly string[];
  readonly services: readonly WhereRow[];
}

export interface WhereRow {
  readonly name: string;
  readonly cells: readonly WhereCell[];
}

/** One image in one environment. */
export interface WhereCell {
  readonly environment: string;
  readonly image: string;
  readonly digest?: string;
  readonly tag?: string;
  /** RFC 3339: when its commit came. */
  readonly since?: string;
  /** Whether the registry still has it; unknown when it could not be asked. */
  readonly inRegistry?: boolean;
}

/** Which digest is where, from Git, and whether the registry still has it. */
export async function showEnvironments(o: ShowEnvironmentsOptions): Promise<WhereMatrix> {
  const { repository, branch, environments } = await readDeployment(o);
  if (environments.length === 0)
    throw new Fault('USAGE', {
      what: 'no environments are described',
      where: '.cascadeguard.yaml',
      expected: 'gitops.environments',
    });
  const reach = {
    remote: repository,
    branch,
    env: o.env,
    wholeHistory: true,
    ...(o.signal !== undefined && { signal: o.signal }),
  };
  const { commit, rows } = await readBranch(reach, async head => {
    const rows = new Map<string, WhereCell[]>();
    for (const environment of environments) {
      const file = await readEnvironment(head, environment);
      const histories = await readPinHistories(head, file);
      for (const pin of file.pins) {
        const [current] = histories.get(pin.name) ?? [];
        const row = rows.get(pin.name) ?? [];
        rows.set(pin.name, row);
        row.push({
          environment: environment.name,
          image: pin.newName ?? pin.name,
          ...(pin.digest !== undefined && { digest: pin.digest }),
          ...(pin.tag !== undefined && { tag: pin.tag }),
          ...(current !== undefined &&
            current.digest === pin.digest && {
              since: new Date(current.since * 1000).toISOString().replace('.000Z', 'Z'),
            }),
        });
      }
    }
    return { commit: head.commit, rows };
  });
  const present = await askRegistries([...rows.values()].flat(), o);
  const services = [...rows]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, row]) => ({
      name,
      cells: row.map(cell => {
        const inRegistry = present.get(`${cell.image}@${cell.digest}`);
        return { ...cell, ...(inRegistry !== undefined && { inRegistry }) };
      }),
    }));
  return { repository, branch, commit, environments: environments.map(({ name }) => name), services };
}

const lanes = 8;

async function askRegistries(
  cells: readonly WhereCell[],
  o: ShowEnvironmentsOptions,
): Promise<ReadonlyMap<string, boolean>> {
  const present = new Map<string, boolean>();
  const images = new Set(
    cells.flatMap(({ image, digest }) => (digest === undefined ? [] : [`${image}@${digest}`])),
  );
  if (o.offline === true) return present;
  await inParallel([...images], lanes, async image => {
    const parsed = parseImageReference(image);
    if ('problem' in parsed) return;
    try {
      const call = o.signal === undefined ? {} : { signal: o.signal };
      const found = await reachRegistries(o, [parsed.value.registry], async access => {
        const { registry, reference } = await open(image, access, call);
        return await registry.head(reference, call);
      });
      present.set(image, found !== undefined);
    } catch (error) {
      // A registry that cannot be asked leaves the answer open; what Git says is worth showing all the same.
      o.signal?.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
    }
  });
  return present;
}
