import type { Digest } from '../../model/digest.ts';
import { Fields } from './json/fields.ts';
import { parseStrictJson } from './json/strict-json.ts';

const signatureType = 'cosign container image signature';

/** The payload of a `.sig` layer, byte for byte as cosign writes it. */
export function formatSimpleSigning(repository: string, digest: Digest): Buffer {
  const critical = {
    identity: { 'docker-reference': repository },
    image: { 'docker-manifest-digest': digest },
    type: signatureType,
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

/** The digest that a simple signing payload is about, or undefined when it is not an image signature. */
export function digestOfSimpleSigning(payload: Uint8Array): string | undefined {
  const critical = new Fields(parseStrictJson(payload), '').object('critical');
  if (critical.text('type') !== signatureType) return undefined;
  return critical.object('image').text('docker-manifest-digest');
}
