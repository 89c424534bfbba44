import type { Disposition, Finding, WaiverNote } from '../../model/finding.ts';
import { compileGlob } from '../../model/glob.ts';
import { parsePackageUrl } from '../../model/package-url.ts';

/** A risk that somebody answers for, until a day. */
export interface Waiver {
  readonly id: string;
  readonly kind: 'accepted' | 'not_affected' | 'false_positive';
  readonly justification?: string;
  /** Package URLs whose namespace and name may hold `*`. */
  readonly packages?: readonly string[];
  /** Repositories, as in the image's name. */
  readonly images?: readonly string[];
  readonly paths?: readonly string[];
  readonly reason: string;
  readonly owner: string;
  readonly expires: Date;
}

/** Waived findings stay findings: they say who waived them, why, and until when. An expired waiver does nothing. */
export function applyWaivers(
  findings: readonly Finding[],
  waivers: readonly Waiver[],
  o: { readonly now: Date; readonly image: string },
): { readonly findings: readonly Finding[]; readonly notes: readonly WaiverNote[] } {
  const used = new Set<Waiver>();
  const live = waivers.filter(({ expires }) => expires > o.now);
  const applied = findings.map(finding => {
    if (finding.disposition.kind !== 'open') return finding;
    const waiver = live.find(each => covers(each, finding, o.image));
    if (waiver === undefined) return finding;
    used.add(waiver);
    return { ...finding, disposition: toDisposition(waiver) };
  });
  const notes = waivers.map((waiver): WaiverNote => {
    const state = used.has(waiver) ? 'applied' : waiver.expires > o.now ? 'unused' : 'expired';
    return { id: waiver.id, owner: waiver.owner, expires: waiver.expires.toISOString(), state };
  });
  return { findings: applied, notes };
}

function toDisposition({ kind, owner, expires, reason }: Waiver): Disposition {
  const kinds = {
    accepted: 'accepted',
    not_affected: 'vex-not_affected',
    false_positive: 'false_positive',
  } as const;
  return { kind: kinds[kind], by: owner, until: expires.toISOString(), statement: reason };
}

function covers(waiver: Waiver, finding: Finding, image: string): boolean {
  const names = [finding.id, ...finding.aliases, ...finding.claims.map(({ id }) => id)];
  if (!names.some(name => name.toLowerCase() === waiver.id.toLowerCase())) return false;
  if (waiver.images !== undefined && !waiver.images.some(pattern => matchesImage(pattern, image)))
    return false;
  if (waiver.packages !== undefined && !waiver.packages.some(each => matchesPackage(each, finding)))
    return false;
  return (
    waiver.paths === undefined ||
    (finding.pkg.locations.length > 0 &&
      finding.pkg.locations.every(path => waiver.paths?.some(pattern => matchesPath(pattern, path))))
  );
}

/** `acme/api` is the repository of that name in any registry; with a host it is that one only. */
export function matchesImage(pattern: string, image: string): boolean {
  const repository = image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const wanted = pattern.split('/');
  const parts = repository.split('/');
  const whole = wanted.length === parts.length ? parts : parts.slice(-wanted.length);
  const isSuffix = wanted.length === parts.length || wanted.length === parts.length - 1;
  return isSuffix && wanted.every((part, at) => compileGlob(part)(whole[at] ?? ''));
}

function matchesPackage(pattern: string, { pkg }: Finding): boolean {
  const wanted = parsePackageUrl(pattern);
  if (wanted === undefined || wanted.type !== pkg.type) return false;
  if (wanted.version !== undefined && wanted.version !== pkg.version) return false;
  const isSystem = /^(?:deb|apk|rpm)$/.test(pkg.type);
  const name =
    isSystem || wanted.namespace === undefined ? wanted.name : `${wanted.namespace}/${wanted.name}`;
  const parts = name.split('/');
  const actual = pkg.name.split('/');
  return parts.length === actual.length && parts.every((part, at) => compileGlob(part)(actual[at] ?? ''));
}

/** `/opt/app/**` and `*` inside one segment. */
function matchesPath(pattern: string, path: string): boolean {
  return matchesSegments(split(pattern), split(path));
}

function split(path: string): readonly string[] {
  return path.split('/').filter(part => part !== '');
}

function matchesSegments(pattern: readonly string[], path: readonly string[]): boolean {
  // Which beginnings of the pattern fit the path so far; no pattern can make it slower than its length.
  let fits = new Set([0]);
  const skip = (at: number): void => {
    fits.add(at);
    if (pattern[at] === '**') skip(at + 1);
  };
  skip(0);
  for (const part of path) {
    const before = [...fits];
    fits = new Set();
    for (const at of before) {
      if (pattern[at] === '**') skip(at);
      else if (pattern[at] !== undefined && compileGlob(pattern[at] ?? '')(part)) skip(at + 1);
    }
  }
  return fits.has(pattern.length);
}
