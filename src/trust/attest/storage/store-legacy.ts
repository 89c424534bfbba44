import { Fault } from '../../../ground/fault/fault.ts';
import { parseContent } from '../../../image/oci/content.ts';
import type { Call, Manifest, Registry } from '../../../image/oci/registry.ts';
import { type Descriptor, mediaTypes } from '../../../model/descriptor.ts';
import type { Digest } from '../../../model/digest.ts';
import { type LegacyLayer, legacyAnnotations, legacyTypes } from '../bundle/legacy-layers.ts';
import { legacyTag } from './legacy-tag.ts';
import { describeBytes, encodeManifest, pushBytes } from './push-content.ts';

/** Readers give up on manifests with more. */
const mostLayers = 1000;

/**
 * Adds layers to the one `.sig` or `.att` manifest that all evidence of an image shares. Others may add at the same
 * time; what was there stays, and the same layer is never there twice.
 */
export async function storeLegacy(
  registry: Registry,
  subject: Digest,
  layers: readonly LegacyLayer[],
  o: Call = {},
): Promise<void> {
  const wanted: Descriptor[] = [];
  for (const { mediaType, bytes, annotations } of layers) {
    const descriptor = { ...describeBytes(mediaType, bytes), annotations };
    await pushBytes(registry, descriptor, bytes, o);
    wanted.push(descriptor);
  }
  const suffix = layers[0]?.mediaType === legacyTypes.signature ? 'sig' : 'att';
  const tag = legacyTag(subject, suffix);
  await registry.change(
    tag,
    {
      isDone: current => missingLayers(layersOf(current), wanted).length === 0,
      apply: async current => {
        const present = layersOf(current);
        const all = [...present, ...missingLayers(present, wanted)];
        if (all.length > mostLayers) throw tooMany(registry, tag, all.length);
        return await writeManifest(registry, all, o);
      },
    },
    o,
  );
}

function layersOf(manifest: Manifest | undefined): readonly Descriptor[] {
  if (manifest === undefined) return [];
  const content = parseContent(manifest);
  return content.kind === 'manifest' ? content.layers : [];
}

/** The same bytes signed by somebody else are another signature: bytes and signature together are the identity. */
function missingLayers(present: readonly Descriptor[], wanted: readonly Descriptor[]): readonly Descriptor[] {
  const identity = ({ digest, annotations }: Descriptor) =>
    `${digest} ${annotations?.[legacyAnnotations.signature] ?? ''}`;
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
