import { join } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import type { Descriptor } from '../../../model/descriptor.ts';
import { isDigest } from '../../../model/digest.ts';
import type { Registry } from '../../oci/registry.ts';
import { unpackLayer } from '../../oci/unpack-layer.ts';
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
  const diffId = diffIds[at];
  if (diffId === undefined || !isDigest(diffId))
    throw new Fault('CONTENT_INVALID', {
      what: `the configuration of the base image knows fewer layers than its manifest`,
      where: `${registry.place}, layer ${at + 1} of ${diffIds.length}`,
      actual: layer.digest,
    });
  const packed = registry.blob(layer, signal === undefined ? {} : { signal });
  return unpackLayer(verified(packed, layer, layer.digest), diffId, `the layer ${layer.digest}`);
}
