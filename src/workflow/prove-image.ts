import type { ScanReport } from '../model/finding.ts';
import type { Inventory } from '../model/inventory.ts';
import type { EngineRun } from '../risk/scan/engine.ts';
import { joinReports } from '../risk/scan/join-reports.ts';
import { type AttestedImage, attestImage, type PredicateValue } from './attest-image.ts';
import { writeCycloneDx, writeSpdx } from './list-contents.ts';
import type { ProvenancePredicate } from './make-provenance.ts';
import { writeCosignVuln } from './scan-image.ts';
import type { SignImageOptions } from './sign-image.ts';

/** What was found out about one image; an index has several. */
export interface FoundOut {
  readonly digest: string;
  readonly inventory: Inventory;
  readonly report: ScanReport;
  readonly runs: readonly EngineRun[];
}

export interface ProveImage extends SignImageOptions {
  readonly provenance: ProvenancePredicate;
  readonly images: readonly FoundOut[];
  /** Inventories are attested as well. */
  readonly sboms: boolean;
  readonly version: string;
  /** Sign as well, with the same certificate. */
  readonly sign?: boolean;
  /** Hears of each digest that was attested. */
  readonly onProven?: (digest: string, attested: AttestedImage) => void;
}

/**
 * Attests everything that is known of an image. Every platform of an index answers for itself to whoever takes only
 * that one, and the index for all of them. The answer is that about the digest that is named.
 */
export async function proveImage(o: ProveImage): Promise<AttestedImage> {
  const [repository = '', digest = ''] = o.image.split('@');
  const provenance: PredicateValue = { type: 'slsaprovenance1', value: o.provenance };
  const prove = async (about: string, predicates: readonly PredicateValue[]): Promise<AttestedImage> => {
    const attested = await attestImage({
      ...o,
      recursive: false,
      image: `${repository}@${about}`,
      predicates: [provenance, ...predicates],
    });
    o.onProven?.(about, attested);
    return attested;
  };
  const sboms = (image: FoundOut) => (o.sboms ? inventoriesOf(image.inventory, o.version) : []);
  const own = o.images.find(image => image.digest === digest);
  if (own !== undefined) return await prove(digest, [...sboms(own), ...scansOf(own.report, own.runs)]);
  for (const image of o.images)
    await prove(image.digest, [...sboms(image), ...scansOf(image.report, image.runs)]);
  const joined = joinReports(
    o.images.map(({ report }) => report),
    digest,
  );
  return await prove(digest, [
    ...o.images.flatMap(sboms),
    ...(joined === undefined ? [] : scansOf(joined, [])),
  ]);
}

/** One statement for each engine that was heard. */
function scansOf(report: ScanReport, runs: readonly EngineRun[]): readonly PredicateValue[] {
  return writeCosignVuln(report, runs).map(value => ({ type: 'vuln', value }));
}

function inventoriesOf(inventory: Inventory, version: string): readonly PredicateValue[] {
  return [
    { type: 'spdxjson', value: JSON.parse(writeSpdx(inventory, { version })) },
    { type: 'cyclonedx', value: JSON.parse(writeCycloneDx(inventory, { version })) },
  ];
}
