import { isDigest } from '../../model/digest.ts';
import { parseImageReference } from '../../model/image-reference.ts';
import { type BaseName, identityOf } from '../base-name.ts';
import type { Ledger, Observation } from '../ledger.ts';
import { asMap, type StateFile, type StateValue } from './state-file.ts';
import { readTimestamp } from './timestamp.ts';

export interface BaseRecord {
  /** Name of its file. */
  readonly stem: string;
  readonly identity: string;
  readonly ledger: Ledger;
  readonly promotions: Readonly<Record<string, { readonly digest: string; readonly at: string }>>;
  readonly platforms: readonly BasePlatform[];
  /** Digests that somebody answered for, so that they need not wait. */
  readonly allowances: readonly Allowance[];
  /** Digests of a file whose tag and image disagree: they belong to another image. */
  readonly discarded: readonly string[];
  /** Left behind by a defect of another program: the digest in the repository. */
  readonly isDefect: boolean;
}

export interface Allowance {
  readonly digest: string;
  readonly reason: string;
  readonly at: string;
}

export interface BasePlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Undefined when the file does not say which image it is about. */
export function readBaseState(stem: string, file: StateFile): BaseRecord | undefined {
  const identity = readIdentity(file);
  if (identity === undefined) return undefined;
  const isDefect = (file.textOf('repository') ?? '').includes('@');
  const tag = file.textOf('tag');
  const isOfAnotherTag =
    tag !== undefined && !isDefect && tag !== identity.slice(identity.lastIndexOf(':') + 1);
  const ledger = readLedger(file);
  return {
    stem,
    identity,
    ledger: isDefect || isOfAnotherTag ? { history: [] } : ledger,
    promotions: isDefect || isOfAnotherTag ? {} : readPromotions(file),
    platforms: readPlatforms(file),
    allowances: file
      .listOf('allowedNow')
      .flatMap(({ digest, reason, at }) =>
        isText(digest) && isText(reason) && isText(at) ? [{ digest, reason, at }] : [],
      ),
    discarded: isOfAnotherTag ? [...new Set(ledger.history.map(({ digest }) => digest))] : [],
    isDefect,
  };
}

function readIdentity(file: StateFile): string | undefined {
  const full = file.textOf('fullImage')?.split('@')[0];
  const parts = `${file.textOf('registry') ?? ''}/${file.textOf('repository') ?? ''}:${file.textOf('tag') ?? 'latest'}`;
  const parsed = parseImageReference(full ?? parts);
  return 'value' in parsed ? identityOf(parsed.value) : undefined;
}

function readLedger(file: StateFile): Ledger {
  const current = file.textOf('currentDigest');
  const history = file.listOf('updateHistory').flatMap(readObservation);
  const observedAt = readTimestamp(file.textOf('observedAt'));
  const isListed = history.some(({ digest }) => digest === current);
  const first =
    current !== undefined && isDigest(current) && observedAt !== undefined && !isListed
      ? [{ digest: current, observedAt, ...optional('publishedAt', file.textOf('publishedAt')) }]
      : [];
  const all = [...first, ...history].toSorted((a, b) => Date.parse(b.observedAt) - Date.parse(a.observedAt));
  return { history: all, ...(current !== undefined && isDigest(current) && { current }) };
}

function readObservation(entry: Readonly<Record<string, unknown>>): Observation[] {
  const { digest, observedAt, supersededAt, publishedAt, promotedAt, status } = entry;
  const seen = readTimestamp(observedAt);
  if (!isText(digest) || !isDigest(digest) || seen === undefined) return [];
  return [
    {
      digest,
      observedAt: seen,
      ...optional('supersededAt', readTimestamp(supersededAt)),
      ...optional('publishedAt', isText(publishedAt) ? publishedAt : undefined),
      ...optional('promotedAt', readTimestamp(promotedAt)),
      ...(status === 'pinned' && { isForeign: true }),
    },
  ];
}

function readPromotions(file: StateFile): BaseRecord['promotions'] {
  return Object.fromEntries(
    Object.entries(file.mapOf('promotions')).flatMap(([name, value]) => {
      const { digest, at } = asMap(value);
      return isText(digest) && isText(at) ? [[name, { digest, at }] as const] : [];
    }),
  );
}

function readPlatforms(file: StateFile): BasePlatform[] {
  return file
    .listOf('platforms')
    .flatMap(({ os, architecture, variant }) =>
      isText(os) && isText(architecture) && os !== 'unknown'
        ? [{ os, architecture, ...optional('variant', isText(variant) ? variant : undefined) }]
        : [],
    );
}

export interface BaseNews {
  readonly base: BaseName;
  readonly record: BaseRecord;
  readonly now: string;
}

/** Writes what is known of a base; a file that says it already is left alone. */
export function writeBaseState(file: StateFile, { base, record, now }: BaseNews): void {
  const { ledger, promotions } = record;
  file.set('name', record.stem);
  const full = file.textOf('fullImage');
  file.set('fullImage', full === undefined || full.includes('@') ? shortName(base) : full);
  file.set('registry', base.registry);
  file.set('repository', base.repository);
  file.set('tag', base.tag);
  if (file.isNew) {
    file.set('allowTags', `^${base.tag.replaceAll(/[.+]/g, String.raw`\$&`)}$`);
    file.set('imageSelectionStrategy', 'Digest');
    file.set('repoURL', `${base.registry}/${base.repository}`);
    file.set('firstDiscovered', now);
    file.set('lastChecked', now);
  }
  const current = ledger.history.find(({ digest }) => digest === ledger.current);
  file.set('currentDigest', ledger.current ?? null);
  file.set('publishedAt', current?.publishedAt ?? null);
  file.set('observedAt', current?.observedAt ?? null);
  file.set('previousDigest', previousOf(ledger) ?? null);
  writePromotions(file, promotions);
  if (file.isNew) {
    file.set('rebuildEligibleAt', { default: null });
    file.set('metadata', {});
  }
  if (record.allowances.length > 0) {
    file.set(
      'allowedNow',
      record.allowances.map(({ digest, reason, at }) => ({ digest, reason, at })),
      'digest',
    );
  }
  if (record.platforms.length > 0) file.set('platforms', record.platforms.map(toPlatform));
  file.set('updateHistory', ledger.history.map(toEntry), 'digest');
  if (file.isChanged) file.set('lastChecked', now);
}

/** As people write it: Docker Hub goes without saying. */
function shortName({ identity }: BaseName): string {
  return identity.replace(/^docker\.io\/(?:library\/)?/, '');
}

function writePromotions(file: StateFile, promotions: BaseRecord['promotions']): void {
  const all = Object.values(promotions);
  const newest = all.toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
  if (newest !== undefined || file.isNew) {
    file.set('promotedDigest', newest?.digest ?? null);
    file.set('promotedAt', newest?.at ?? null);
  }
  if (all.length > 0 || file.isNew) file.set('promotions', { ...promotions });
}

/** What the tag served before: the newest sight that is over. */
function previousOf({ current, history }: Ledger): string | undefined {
  return history.find(seen => seen.digest !== current && seen.supersededAt !== undefined)?.digest;
}

function toEntry(seen: Observation): { readonly [key: string]: StateValue | undefined } {
  return {
    digest: seen.digest,
    publishedAt: seen.publishedAt,
    observedAt: seen.observedAt,
    promotedAt: seen.promotedAt,
    supersededAt: seen.supersededAt,
    status: seen.isForeign === true ? 'pinned' : 'ok',
  };
}

function toPlatform({ os, architecture, variant }: BasePlatform): { [key: string]: StateValue | undefined } {
  return { os, architecture, variant };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
