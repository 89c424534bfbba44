import { Fault } from '../../../ground/fault/fault.ts';
import type { Inventory } from '../../../model/inventory.ts';

export interface SbomWriting {
  /** Version of this program, for the document's creator. */
  readonly version?: string;
}

/** SPDX 2.3 as JSON; equal inventories give equal bytes. */
export function writeSpdx(inventory: Inventory, o: SbomWriting = {}): string {
  throw new Fault('UNSUPPORTED', { what: `${inventory.subject.name} ${o.version}` });
}

/** CycloneDX 1.6 as JSON; equal inventories give equal bytes. */
export function writeCycloneDx(inventory: Inventory, o: SbomWriting = {}): string {
  throw new Fault('UNSUPPORTED', { what: `${inventory.subject.name} ${o.version}` });
}

/** Reads SPDX 2.2 and 2.3, CycloneDX 1.2 to 1.7 and Syft's own JSON, whatever tool wrote them. */
export function readSbom(bytes: Uint8Array, where: string): Inventory {
  throw new Fault('UNSUPPORTED', { what: `${where}: ${bytes.length} bytes` });
}
