import { Fault } from '../../../ground/fault/fault.ts';
import type { Inventory } from '../../../model/inventory.ts';
import { readCycloneDx } from './read-cyclonedx.ts';
import { readSpdx } from './read-spdx.ts';
import { readSyft } from './read-syft.ts';

const largest = 512 * 1024 * 1024;

/** Reads SPDX 2.2 and 2.3, CycloneDX 1.2 to 1.7 and Syft's own JSON, whatever tool wrote them. */
export function readSbom(bytes: Uint8Array, where: string): Inventory {
  const document = parse(bytes, where);
  const { spdxVersion, bomFormat, specVersion, artifacts, descriptor } = document;
  if (spdxVersion === 'SPDX-2.3' || spdxVersion === 'SPDX-2.2') return readSpdx(document, where);
  if (bomFormat === 'CycloneDX' && typeof specVersion === 'string' && /^1\.[2-7]$/.test(specVersion))
    return readCycloneDx(document, where);
  if (Array.isArray(artifacts) && descriptor !== undefined) return readSyft(document, where);
  throw new Fault('SBOM_INVALID', {
    what: `${where} is no SBOM that cg reads`,
    where,
    expected: 'SPDX 2.3 JSON, CycloneDX 1.2 to 1.7 JSON, or the JSON of Syft',
    ...(typeof (spdxVersion ?? specVersion ?? document['@context']) === 'string' && {
      actual: String(spdxVersion ?? specVersion ?? document['@context']).slice(0, 100),
    }),
  });
}

function parse(bytes: Uint8Array, where: string): Readonly<Record<string, unknown>> {
  if (bytes.length > largest)
    throw new Fault('SBOM_INVALID', {
      what: `${where} is too large`,
      where,
      actual: `${bytes.length} bytes`,
    });
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (cause) {
    throw new Fault('SBOM_INVALID', { what: `${where} is not JSON`, where, cause });
  }
  throw new Fault('SBOM_INVALID', { what: `${where} is no JSON object`, where });
}
