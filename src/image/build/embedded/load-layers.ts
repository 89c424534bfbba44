import { join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import { gunzip } from '../../oci/gunzip.ts';
import type { Registry } from '../../oci/registry.ts';
import { verified } from '../../oci/verified.ts';
import { TarLoading } from './load-tar.ts';
import type { Tree } from './tree.ts';

export interface LayerSource {
  readonly registry: Registry;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly string[];
}

export interface LoadOptions {
  readonly workFolder: string;
  /** When files are copied out of it, their bytes are kept in the work folder; else only what names users. */
  readonly keepsFiles: boolean;
  readonly signal?: AbortSignal;
}

const largestLayer = 64 * 1024 ** 3;

/** Lays the layers of an image over each other, as a container would see them. */
export async function loadLayers(tree: Tree, source: LayerSource, o: LoadOptions): Promise<void> {
  for (const [at, layer] of source.layers.entries()) {
    const loading = new TarLoading(tree, {
      ...o,
      where: `the layer ${layer.digest}`,
      spool: join(o.workFolder, `base-${layer.digest.slice(7)}`),
    });
    await loading.load(unpack(layer, source, at, o.signal));
  }
  tree.takeChanges();
}

function unpack(
  layer: Descriptor,
  { registry, diffIds }: LayerSource,
  at: number,
  signal?: AbortSignal,
): AsyncIterable<Uint8Array> {
  const packed = verified(registry.blob(layer, signal === undefined ? {} : { signal }), layer, layer.digest);
  const isPlain = layer.mediaType === mediaTypes.layerTar;
  if (!isPlain && !/\+gzip$|\.gzip$/.test(layer.mediaType)) {
    throw new Fault('UNSUPPORTED', {
      what: `the embedded builder cannot unpack the layer ${layer.digest}`,
      where: `${registry.place}, layer ${at + 1} of ${diffIds.length}`,
      expected: 'a layer packed with gzip',
      actual: layer.mediaType,
      next: 'build with --builder buildah or --builder buildx',
    });
  }
  return isPlain ? packed : gunzip(packed, largestLayer, layer.digest);
}
