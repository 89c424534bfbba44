import { createHash } from 'node:crypto';
import { type Descriptor, mediaTypes } from '../../model/descriptor.ts';
import type { Call, Manifest, Registry } from './registry.ts';

/** What an artifact without a configuration has in its place (OCI image specification, "Guidance for an Empty Descriptor"). */
export const emptyConfig = Buffer.from('{}');

export function describeBytes(mediaType: string, bytes: Uint8Array): Descriptor {
  return {
    mediaType,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    size: bytes.length,
  };
}

export async function pushBytes(
  registry: Registry,
  descriptor: Descriptor,
  bytes: Uint8Array,
  o: Call & { readonly isNew?: boolean },
): Promise<void> {
  const open = async function* (offset: number) {
    yield bytes.subarray(offset);
  };
  await registry.push({ kind: 'blob', descriptor, open, isNew: o.isNew ?? false }, o);
}

export function encodeManifest(manifest: Readonly<Record<string, unknown>>): Manifest {
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { descriptor: describeBytes(mediaTypes.manifest, bytes), bytes };
}
