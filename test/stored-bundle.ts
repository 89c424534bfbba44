import type { RegistryAccess } from '../src/image/oci/access.ts';
import { parseContent } from '../src/image/oci/content.ts';
import { open } from '../src/image/oci/open.ts';
import { pushBytes } from '../src/image/oci/push-content.ts';
import { collect } from '../src/image/oci/verified.ts';
import type { Digest } from '../src/model/digest.ts';
import { blobOf, manifestOf } from './images.ts';

/** Takes the first bundle of an image and stores a changed one about it, or about another. */
export async function storeChanged(
  access: RegistryAccess,
  reference: string,
  change: (text: string) => string,
  about = reference,
): Promise<void> {
  const { registry: store } = await open(reference, access);
  const { registry: other, reference: subjectDigest } = await open(about, access);
  const { descriptor: subject } = await other.manifest(subjectDigest);
  const [entry] = await store.referrers(reference.slice(reference.indexOf('@') + 1) as Digest);
  if (entry === undefined) throw new Error('nothing was signed');
  const content = parseContent(await store.manifest(entry.digest));
  const [layer] = content.kind === 'manifest' ? content.layers : [];
  if (layer === undefined) throw new Error('no layer');
  const changed = blobOf(change((await collect(store.blob(layer))).toString()), layer.mediaType);
  const empty = blobOf('{}', 'application/vnd.oci.empty.v1+json');
  for (const { descriptor, bytes } of [changed, empty]) await pushBytes(other, descriptor, bytes, {});
  const artifactType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  await other.push({
    kind: 'manifest',
    ...manifestOf({ artifactType, config: empty.descriptor, layers: [changed.descriptor], subject }),
  });
}

export const flipSignature = (text: string) =>
  text.replace(
    /"sig":"(.{20})(.)/,
    (_all, head: string, one: string) => `"sig":"${head}${one === 'A' ? 'B' : 'A'}`,
  );
