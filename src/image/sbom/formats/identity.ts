import { createHash } from 'node:crypto';
import { isDigest } from '../../../model/digest.ts';
import { parseImageReference } from '../../../model/image-reference.ts';
import type { Inventory, InventorySubject, Package } from '../../../model/inventory.ts';
import { formatPackageUrl } from '../../../model/package-url.ts';

/** The same for the same packages of the same image, and for nothing else. */
export function fingerprint({ subject, packages }: Inventory): string {
  const hash = createHash('sha256').update(JSON.stringify([subject.name, subject.digest, subject.platform]));
  for (const { purl, path } of packages) hash.update(`\n${purl} ${path}`);
  return hash.digest('hex');
}

/** A name for one package inside of a document: letters, digits, dots and hyphens only (SPDX 2.3, 7.2). */
export function packageId({ type, name, purl, path, version, arch }: Package): string {
  const hash = createHash('sha256').update(JSON.stringify([purl, path, version, arch]));
  return `${type}-${name.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 80)}-${hash.digest('hex').slice(0, 16)}`;
}

/** Seconds only, in UTC, as SPDX demands (2.3, 6.9); the beginning of time for what has no time of its own. */
export function documentTime({ created }: InventorySubject): string {
  const time = created === undefined ? Number.NaN : Date.parse(created);
  const isPast = time >= 0 && time < Date.UTC(10_000, 0);
  return `${new Date(isPast ? time : 0).toISOString().slice(0, 19)}Z`;
}

/** The image as a package URL of type oci; undefined for a folder. */
export function imageUrl(subject: InventorySubject): string | undefined {
  const { name, digest, platform } = subject;
  if (digest === undefined || !isDigest(digest)) return undefined;
  const parsed = parseImageReference(name);
  const repository = 'value' in parsed ? `${parsed.value.registry}/${parsed.value.repository}` : undefined;
  const last = (repository ?? name.replace(/@.*$/, ''))
    .replace(/[:/]+$/, '')
    .split(/[/:]/)
    .at(-1);
  return formatPackageUrl({
    type: 'oci',
    name: (last ?? '').toLowerCase() || 'image',
    version: digest,
    qualifiers: new Map([
      ['arch', platform?.split('/')[1] ?? ''],
      ['repository_url', repository ?? ''],
    ]),
  });
}

export function isSystemPackage({ type }: Package): boolean {
  return type === 'deb' || type === 'apk' || type === 'rpm';
}
