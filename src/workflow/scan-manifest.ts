import type { Registry } from '../image/oci/registry.ts';
import { catalogueImage } from '../image/sbom/catalogue-image.ts';
import type { Clock } from '../model/clock.ts';
import type { Descriptor } from '../model/descriptor.ts';
import type { ScanSubject } from '../model/finding.ts';
import type { ScanEngine } from '../risk/scan/engine.ts';
import { defaultScanPolicy, type ScanPolicy } from '../risk/scan/policy.ts';
import { type Scanned, scanTarget } from '../risk/scan/scan-target.ts';
import type { VexStatement } from '../risk/scan/vex.ts';
import type { Waiver } from '../risk/scan/waivers.ts';
import { makeSingleLayout } from './scan/single-layout.ts';

export interface ScanManifest {
  readonly registry: Registry;
  /** One image, not an index. */
  readonly manifest: Pick<Descriptor, 'digest'>;
  /** As people know it: repository and digest. */
  readonly name: string;
  readonly engines: readonly ScanEngine[];
  readonly clock: Clock;
  readonly policy?: Partial<ScanPolicy>;
  readonly waivers?: readonly Waiver[];
  readonly vex?: readonly VexStatement[];
  readonly indexDigest?: string;
  readonly platform?: string;
  /** DiffIDs of known base images. */
  readonly bases?: readonly (readonly string[])[];
  /** Keeps what was found in layers. */
  readonly cacheFolder?: string;
  readonly previous?: Readonly<Record<string, number>>;
  readonly timeLimit?: number;
  readonly onLayer?: (done: number, all: number) => void;
  readonly onEngine?: (id: string, status: string) => void;
  readonly signal?: AbortSignal;
}

const defaultTimeLimit = 15 * 60_000;

/** Scans one image wherever it lies: lists what is in it, asks every engine, merges and judges. */
export async function scanManifest(o: ScanManifest): Promise<Scanned> {
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const inventory = await catalogueImage(o.registry, o.manifest, {
    ...call,
    name: o.name,
    ...(o.bases !== undefined && { bases: o.bases }),
    ...(o.cacheFolder !== undefined && { cacheFolder: o.cacheFolder }),
    ...(o.onLayer !== undefined && { onLayer: o.onLayer }),
  });
  const platform = o.platform ?? inventory.subject.platform;
  const subject: ScanSubject = {
    name: o.name,
    digest: o.manifest.digest,
    ...(o.indexDigest !== undefined && { indexDigest: o.indexDigest }),
    ...(platform !== undefined && { platform }),
  };
  const needsBytes = o.engines.some(({ needsLayout }) => needsLayout === true);
  const layout = needsBytes ? await makeSingleLayout(o.registry, o.manifest, call) : undefined;
  try {
    return await scanTarget({
      ...call,
      subject,
      target: { inventory, ...(layout !== undefined && { layout }) },
      engines: o.engines,
      policy: { ...defaultScanPolicy, ...o.policy },
      clock: o.clock,
      timeLimit: o.timeLimit ?? defaultTimeLimit,
      ...(o.waivers !== undefined && { waivers: o.waivers }),
      ...(o.vex !== undefined && { vex: o.vex }),
      ...(o.previous !== undefined && { previous: o.previous }),
      onEngine: ({ id, outcome }) => o.onEngine?.(id, outcome.status),
    });
  } finally {
    await layout?.remove();
  }
}
