import { Fault } from '../../../ground/fault/fault.ts';
import { formatPlatform, type Platform } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { type ImageManifest, parseContent } from '../../oci/content.ts';
import { findPlatform, parsePlatform, platformsOf } from '../../oci/platform.ts';
import type { Call, Registry } from '../../oci/registry.ts';
import { collect } from '../../oci/verified.ts';
import type { ResolvedBase } from '../builder.ts';
import { defaultPath, type ImageState, readImageState } from './image-state.ts';
import { loadLayers } from './load-layers.ts';
import type { Layer } from './pack-layer.ts';
import { Tree } from './tree.ts';

export interface OpenedBase {
  readonly image: ImageState;
  readonly layers: Layer[];
  tree: Tree;
}

const largestConfig = 8 * 1024 * 1024;

export function openScratch(platform: Platform): OpenedBase {
  const { os, architecture, variant } = platform;
  return {
    image: {
      os,
      architecture,
      ...(variant !== undefined && { variant }),
      config: { Env: [defaultPath], WorkingDir: '/' },
      history: [],
      diffIds: [],
    },
    layers: [],
    tree: new Tree(),
  };
}

/** The image that a stage stands on, for its platform: configuration, layers, and the files in them. */
export async function openBase(
  base: ResolvedBase,
  stagePlatform: string | undefined,
  target: Platform,
  o: Call & {
    readonly workFolder: string;
    readonly destination: Registry;
    readonly keepsFiles: boolean;
    readonly needsFiles: boolean;
  },
): Promise<OpenedBase> {
  const manifest = await chooseManifest(base, platformOf(stagePlatform, target), o);
  if (manifest.config.size > largestConfig)
    throw new Fault('CONTENT_INVALID', {
      what: `the configuration of ${base.reference} is too large`,
      where: base.reference,
    });
  const { registry } = base;
  const image = readImageState(await collect(registry.blob(manifest.config, o)), base.reference);
  if (image.diffIds.length !== manifest.layers.length) {
    throw new Fault('CONTENT_INVALID', {
      what: `${base.reference} has another number of layers than its configuration says`,
      where: base.pinned,
      expected: `${image.diffIds.length} layers`,
      actual: `${manifest.layers.length}`,
    });
  }
  const tree = new Tree();
  if (o.needsFiles || o.keepsFiles || image.config.OnBuild !== undefined)
    await loadLayers(tree, { registry, layers: manifest.layers, diffIds: image.diffIds }, o);
  const layers = manifest.layers.map((descriptor, at) => ({
    diffId: image.diffIds[at] as Digest,
    descriptor,
    push: {
      kind: 'blob' as const,
      descriptor,
      open: (offset: number) => registry.blob(descriptor, { ...o, offset }),
      ...mountOf(registry, o.destination),
    },
  }));
  return { image, layers, tree };
}

/** Within one registry the layers of the base need not travel. */
function mountOf(from: Registry, to: Registry): { mountFrom?: string } {
  const [host, ...repository] = from.place.split('/');
  return repository.length > 0 && to.place.startsWith(`${host}/`) && to.place !== from.place
    ? { mountFrom: repository.join('/') }
    : {};
}

function platformOf(text: string | undefined, target: Platform): Platform {
  if (text === undefined) return target;
  const parsed = parsePlatform(text);
  if ('value' in parsed) return parsed.value;
  throw new Fault('BUILD_FAILED', { what: `--platform=${text}: ${parsed.problem}` });
}

async function chooseManifest(base: ResolvedBase, wanted: Platform, o: Call): Promise<ImageManifest> {
  const root = parseContent(await base.registry.manifest(base.digest, o));
  if (root.kind === 'manifest') return root;
  const entry = findPlatform(root.manifests, wanted);
  const content =
    entry === undefined ? undefined : parseContent(await base.registry.manifest(entry.digest, o));
  if (content?.kind === 'manifest') return content;
  throw new Fault('BUILD_FAILED', {
    what: `${base.reference} has no image for ${formatPlatform(wanted)}`,
    where: base.pinned,
    expected: formatPlatform(wanted),
    actual: platformsOf(root.manifests).join(', ') || 'no platforms',
    next: 'leave that platform out, or choose another base',
  });
}
