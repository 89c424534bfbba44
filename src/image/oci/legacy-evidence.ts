import { Fault } from '../../ground/fault/fault.ts';
import { type Descriptor, mediaTypes } from '../../model/descriptor.ts';
import { parseContent } from './content.ts';
import { describeBytes, encodeManifest, pushBytes } from './push-content.ts';
import type { Call, Manifest, Registry } from './registry.ts';

/** Readers give up on manifests with more. */
const mostLayers = 1000;
const signatureAnnotation = 'dev.cosignproject.cosign/signature';

/**
 * Adds layers to the one `.sig` or `.att` manifest that all evidence of an image shares. Others may add at the same
 * time; what was there stays, and the same layer is never there twice. The blobs of the layers are there already.
 * `whole` is stored as it is where the tag is new, so that a copy keeps its digest. True when something changed.
 */
export async function mergeLegacyLayers(
  registry: Registry,
  tag: string,
  wanted: readonly Descriptor[],
  o: Call & { readonly whole?: Manifest } = {},
): Promise<boolean> {
  let isChanged = false;
  await registry.change(
    tag,
    {
      isDone: current => missingLayers(layersOf(current), wanted).length === 0,
      apply: async current => {
        isChanged = true;
        if (current === undefined && o.whole !== undefined) return o.whole;
        const present = layersOf(current);
        const all = [...present, ...missingLayers(present, wanted)];
        if (all.length > mostLayers) throw tooMany(registry, tag, all.length);
        return await writeManifest(registry, all, o);
      },
    },
    o,
  );
  return isChanged;
}

function layersOf(manifest: Manifest | undefined): readonly Descriptor[] {
  if (manifest === undefined) return [];
  const content = parseContent(manifest);
  if (content.kind === 'manifest') return content.layers;
  throw new Fault('CONTENT_INVALID', {
    what: 'a tag that should hold signatures or attestations holds an index; it is not overwritten',
    where: manifest.descriptor.digest,
    expected: mediaTypes.manifest,
    actual: manifest.descriptor.mediaType,
  });
}

/** The same bytes signed by somebody else are another signature: bytes and signature together are the identity. */
function missingLayers(present: readonly Descriptor[], wanted: readonly Descriptor[]): readonly Descriptor[] {
  const identity = ({ digest, annotations }: Descriptor) =>
    `${digest} ${annotations?.[signatureAnnotation] ?? ''}`;
  const known = new Set(present.map(identity));
  return wanted.filter(layer => !known.has(identity(layer)));
}

/** The configuration is that of cosign, to the byte. */
async function writeManifest(registry: Registry, layers: readonly Descriptor[], o: Call): Promise<Manifest> {
  const epoch = '0001-01-01T00:00:00Z';
  const bytes = Buffer.from(
    JSON.stringify({
      architecture: '',
      created: epoch,
      history: layers.map(() => ({ created: epoch })),
      os: '',
      rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.digest) },
      config: {},
    }),
  );
  const config = describeBytes(mediaTypes.config, bytes);
  await pushBytes(registry, config, bytes, o);
  return encodeManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers });
}

function tooMany(registry: Registry, tag: string, count: number): Fault {
  return new Fault('LIMIT_EXCEEDED', {
    what: `${registry.place}:${tag} would hold more evidence than readers accept`,
    where: `${registry.place}:${tag}`,
    expected: `at most ${mostLayers} layers`,
    actual: `${count}`,
    next: 'store bundles only, with --shape bundle',
  });
}
