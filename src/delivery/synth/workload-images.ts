import { type ClusterObject, isObject } from '../../model/cluster-object.ts';

/** One place in rendered workloads that runs an image, as a replacement of kustomize names it. */
export interface ImagePlace {
  readonly kind: string;
  readonly name: string;
  readonly fieldPath: string;
  readonly image: string;
}

const lists = ['initContainers', 'containers', 'ephemeralContainers'];
export const gateJob = 'gate-presync';
export const gatePolicy = 'gate-policy';
const deepest = 40;

/** The gate itself is no workload: with a prefix its name only ends like that. */
export function isGate(object: ClusterObject): boolean {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {};
  return (
    annotations['argocd.argoproj.io/hook'] === 'PreSync' &&
    String(metadata['name']).endsWith(object['kind'] === 'Job' ? gateJob : gatePolicy)
  );
}

/** Every image of the workloads with its place, of whatever kind they are; in the order in which they stand there. */
export function findImagePlaces(workloads: readonly ClusterObject[]): readonly ImagePlace[] {
  return workloads.flatMap(object => {
    const metadata = isObject(object['metadata']) ? object['metadata'] : {};
    const identity = { kind: String(object['kind']), name: String(metadata['name']) };
    return placesIn(object, [], 0).map(place => ({ ...identity, ...place }));
  });
}

function placesIn(
  value: ClusterObject,
  path: readonly string[],
  depth: number,
): readonly Pick<ImagePlace, 'fieldPath' | 'image'>[] {
  if (depth > deepest) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, key.replaceAll('.', '\\.')];
    if (lists.includes(key) || key === 'volumes') return placesOfList(inner, here, key === 'volumes');
    return isObject(inner) ? placesIn(inner, here, depth + 1) : [];
  });
}

function placesOfList(
  list: unknown,
  path: readonly string[],
  isVolumes: boolean,
): readonly Pick<ImagePlace, 'fieldPath' | 'image'>[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).flatMap(item => {
    const at = [...path, `[name=${String(item['name'])}]`, 'image'];
    const { image } = item;
    const found = isVolumes && isObject(image) ? image['reference'] : image;
    if (typeof found !== 'string' || found === '') return [];
    return [{ fieldPath: [...at, ...(isVolumes ? ['reference'] : [])].join('.'), image: found }];
  });
}

/** What the rendered gate would look at: the values of its numbered variables, in order. */
export function imagesOfGate(objects: readonly ClusterObject[]): readonly string[] | undefined {
  const job = objects.find(object => object['kind'] === 'Job' && isGate(object));
  if (job === undefined) return undefined;
  const container = dig(job, 'spec', 'template', 'spec', 'containers');
  const [gate] = Array.isArray(container) ? container.filter(isObject) : [];
  const variables = Array.isArray(gate?.['env']) ? gate['env'].filter(isObject) : [];
  return variables.flatMap(({ name, value }) =>
    /^GATE_IMAGE_\d+$/.test(String(name)) ? [String(value)] : [],
  );
}

function dig(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((here, key) => (isObject(here) ? here[key] : undefined), value);
}
