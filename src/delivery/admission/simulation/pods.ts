import { Fault } from '../../../ground/fault/fault.ts';
import { readObjects } from '../../../ground/yaml/read-objects.ts';
import { at, type ClusterObject, isObject } from '../../../model/cluster-object.ts';

export const imageLists = ['containers', 'initContainers', 'ephemeralContainers'] as const;
export type ImageList = (typeof imageLists)[number];

/** A pod as an API server would see it, and where it comes from. */
export interface Pod {
  readonly name: string;
  readonly object: ClusterObject;
  readonly images: Readonly<Record<ImageList, readonly string[]>>;
}

const mostPods = 1000;
const mostContainers = 500;
const longestImage = 1000;

/** Where a manifest keeps the pod that it makes. */
const placesOfPods: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  PodTemplate: ['template'],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/** Every pod of a stream of manifests, and those that its workloads would make; other objects make none. */
export function readPods(text: string, where: string): readonly Pod[] {
  const pods = readObjects(text, where).flatMap(object => podsOf(object, where));
  if (pods.length > mostPods)
    throw new Fault('LIMIT_EXCEEDED', { what: `there are more than ${mostPods} pods`, where });
  if (pods.length > 0) return pods;
  throw new Fault('FILE_INVALID', {
    what: 'there is no pod to judge',
    where,
    expected: `manifests of ${Object.keys(placesOfPods).join(', ')}`,
  });
}

function podsOf(object: ClusterObject, where: string): Pod[] {
  const kind = textOf(object['kind']);
  const path = placesOfPods[kind];
  if (path === undefined) return [];
  const name = `${kind}/${textOf(at(object, 'metadata', 'name')) || textOf(at(object, 'metadata', 'generateName')) || '?'}`;
  return [toPod(name, at(object, ...path), where)];
}

/** Whatever is not shaped like a pod is refused here: an image that was not seen is one that nobody judged. */
export function toPod(name: string, template: unknown, where: string): Pod {
  const spec = at(template, 'spec');
  if (!isObject(spec) || !Array.isArray(spec['containers']))
    throw notAPod(name, where, 'it has no spec.containers');
  const list = (key: ImageList): readonly string[] => {
    const containers = spec[key];
    if (containers === undefined || containers === null) return [];
    if (!Array.isArray(containers)) throw notAPod(name, where, `its ${key} are no list`);
    if (containers.length > mostContainers)
      throw notAPod(name, where, `it has more than ${mostContainers} ${key}`);
    return containers.map(one => {
      const image = at(one, 'image');
      if (typeof image === 'string' && image !== '' && image.length <= longestImage) return image;
      throw notAPod(name, where, `one of its ${key} names no image`);
    });
  };
  return {
    name,
    object: { apiVersion: 'v1', kind: 'Pod', ...(isObject(template) ? template : {}) },
    images: {
      containers: list('containers'),
      initContainers: list('initContainers'),
      ephemeralContainers: list('ephemeralContainers'),
    },
  };
}

/** The pod as it is created: ephemeral containers come later, by a request for that alone. */
export function withoutEphemeral(pod: Pod): Pod {
  const spec = isObject(pod.object['spec']) ? pod.object['spec'] : {};
  const { ephemeralContainers: _, ...rest } = spec;
  return {
    ...pod,
    object: { ...pod.object, spec: rest },
    images: { ...pod.images, ephemeralContainers: [] },
  };
}

function notAPod(name: string, where: string, actual: string): Fault {
  return new Fault('FILE_INVALID', { what: `${name.slice(0, 200)} makes no pod`, where, actual });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 300) : '';
}
