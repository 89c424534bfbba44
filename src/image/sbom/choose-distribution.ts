import type { Distribution } from '../../model/inventory.ts';
import { resolvePath } from './layer/path.ts';
import type { MergedView } from './layer/squash.ts';

/** Who is believed first. The older files only count where os-release is missing or says nothing. */
const witnesses = [
  'etc/os-release',
  'usr/lib/os-release',
  'etc/alpine-release',
  'etc/centos-release',
  'etc/rocky-release',
  'etc/almalinux-release',
  'etc/oracle-release',
  'etc/redhat-release',
  'etc/debian_version',
];

/** Which distribution an image is, as its files say once all links are followed. */
export function chooseDistribution(view: MergedView): Distribution | undefined {
  const byPath = new Map(
    view.files.flatMap(({ path, findings }) =>
      findings.distribution ? [[path, findings.distribution]] : [],
    ),
  );
  const read = (path: string): Partial<Distribution> | undefined =>
    byPath.get(resolvePath(path, view.links) ?? path);
  const told = witnesses.map(read).find(found => found?.id !== undefined);
  if (told?.id === undefined) return undefined;
  const stream = told.id === 'alpine' ? read('etc/apk/repositories')?.stream : undefined;
  const contentSets = [...byPath.values()].flatMap(found => found.contentSets ?? []);
  // Debian's releases in the making have no version there, and debian_version may know more.
  const versionId =
    told.versionId ?? (told.id === 'debian' ? read('etc/debian_version')?.versionId : undefined);
  return {
    ...told,
    id: told.id,
    ...(versionId !== undefined && { versionId }),
    ...(stream !== undefined && { stream }),
    ...(contentSets.length > 0 && { contentSets: [...new Set(contentSets)].sort() }),
  };
}
