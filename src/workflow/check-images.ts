import { nameBase } from '../fleet/base-name.ts';
import type { EnrolledImage } from '../fleet/enrolment.ts';
import { BaseBook } from '../fleet/state/base-book.ts';
import { StateFolder } from '../fleet/state/state-folder.ts';
import { formatTimestamp } from '../fleet/state/timestamp.ts';
import { Fault } from '../ground/fault/fault.ts';
import type { RegistryAccess } from '../image/oci/access.ts';
import type { Clock } from '../model/clock.ts';
import { checkCandidate } from './images/check-candidate.ts';
import { checkFleet, findCycle, findNearOwn, publishedNames, refuseProblems } from './images/check-fleet.ts';
import type { BaseDecision, CheckEntry, CheckedImages, PinnedFile } from './images/check-result.ts';
import { checkTags } from './images/check-tags.ts';
import { decideBases } from './images/decide-bases.ts';
import { discoverFleet, type ImageView, viewOf } from './images/discover-fleet.ts';
import type { FleetPlace } from './images/fleet-place.ts';
import { keepImages, keepPins, keepSights, trimLedgers } from './images/keep-state.ts';
import { observeBases } from './images/observe-bases.ts';
import { type PinnedText, pinBases, writePinned } from './images/pin-bases.ts';
import { type Fleet, readFleet, selectImages } from './images/read-fleet.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

export type { BaseDecision, CheckEntry, CheckedImages, PinnedFile } from './images/check-result.ts';

export interface CheckImagesOptions extends ReachOptions, FleetPlace {
  readonly clock: Clock;
  /** All without it; names may be separated by commas. */
  readonly images?: readonly string[];
  /** Write eligible digests into the Dockerfiles of the working tree. */
  readonly pin?: boolean;
  /** Look at nothing but tags of images that others build. */
  readonly tagsOnly?: boolean;
  /** False: decide no pins at all. */
  readonly promote?: boolean;
  /** Touch nothing. */
  readonly dryRun?: boolean;
  /** As if nothing were known; what is stored stays as it is. */
  readonly skipState?: boolean;
  readonly allowUnreachable?: boolean;
  /** Forget bases that nobody uses. */
  readonly prune?: boolean;
  /** `BASE@sha256:…` that need not wait, because somebody says why. */
  readonly promoteNow?: readonly string[];
  readonly reason?: string;
  readonly onNote?: (level: 'info' | 'warning', text: string) => void;
}

interface Run {
  readonly o: CheckImagesOptions;
  readonly fleet: Fleet;
  readonly selected: readonly EnrolledImage[];
  readonly state: StateFolder;
  readonly book: BaseBook;
  readonly now: string;
}

/** Looks at every base once, remembers what it saw for the first time, and says who may stand on what. */
export async function checkImages(o: CheckImagesOptions): Promise<CheckedImages> {
  const run = await begin(o);
  const views = await discoverFleet(run.fleet.root, run.fleet.images, run.state, run.book);
  const cycle = findCycle(run.fleet, views);
  if (cycle !== undefined) throw cycle;
  const names = new Set(run.selected.map(({ name }) => name));
  const chosen = views.filter(({ image }) => names.has(image.name));
  sayFindings(chosen, run.book, o);
  for (const text of findNearOwn(views)) o.onNote?.('warning', text);
  return await reachRegistries(o, registriesOf(run.book), access => check(run, chosen, views, access));
}

async function begin(o: CheckImagesOptions): Promise<Run> {
  const fleet = await readFleet(o);
  const { errors, warnings } = await checkFleet(fleet);
  refuseProblems(fleet.file, errors);
  for (const { message, where } of warnings) o.onNote?.('warning', `${where ?? fleet.file}: ${message}`);
  const selected = selectImages(fleet, o.images ?? []);
  const given = o.stateDir;
  const state =
    o.skipState === true ? StateFolder.empty(fleet.root) : await StateFolder.open(fleet.root, given);
  const book = new BaseBook(state);
  const now = formatTimestamp(o.clock.now());
  return { o, fleet, selected, state, book, now };
}

async function check(
  run: Run,
  chosen: readonly ImageView[],
  all: readonly ImageView[],
  access: RegistryAccess,
): Promise<CheckedImages> {
  const { o, book, fleet, state, now } = run;
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const own = publishedNames(fleet.images);
  const entries: CheckEntry[] = chosen.flatMap(discoveryEntry);
  let decisions: readonly BaseDecision[] = [];
  let pins: readonly PinnedFile[] = [];
  let files: readonly PinnedText[] = [];
  if (o.tagsOnly !== true) {
    const used = [...new Set(chosen.flatMap(({ uses }) => uses.map(({ identity }) => identity)))];
    const sights = await observeBases(used, access, call);
    entries.push(...(await keepSights(sights, { book, own, now, access, call })));
    entries.push(...handleOrphans(run, all));
    keepPins(chosen, book, sights, now);
    allowNow(run);
    if (o.promote !== false) {
      const candidate = checkCandidate(access, book, call);
      decisions = await decideBases(chosen, book, { now: o.clock.now(), own, checkCandidate: candidate });
      if (o.pin ?? fleet.settings.get('check.promote.destination') === 'none')
        ({ pins, files } = pinBases(fleet.root, chosen, decisions, book));
    }
    notePromotions(pins, book, now);
  }
  const tagged = await checkTags(chosen, { state, now, access, call, settings: fleet.settings });
  entries.push(...tagged.entries, ...decisions.flatMap(decision => decisionEntry(decision, pins, chosen)));
  const written = await keep(run, chosen, files, all);
  return {
    entries,
    decisions,
    pins,
    written,
    imagesChecked: tagged.checked,
    newTags: tagged.newTags,
    usesLegacyExitCodes: fleet.settings.get('cli.exitCodes') === 'legacy',
    exit: exitOf(
      entries,
      o.allowUnreachable === true || fleet.settings.get('check.allowUnreachable') === true,
    ),
  };
}

/** Everything is written once, at the end, and only what became different. */
async function keep(
  run: Run,
  chosen: readonly ImageView[],
  files: readonly PinnedText[],
  all: readonly ImageView[],
): Promise<readonly string[]> {
  const { o, state, book, now } = run;
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const views = chosen.map(view => {
    const text = view.path === undefined ? undefined : texts.get(view.path);
    return text === undefined ? view : { ...viewOf(view.image, text, state, book), path: view.path, text };
  });
  trimLedgers(book, all, o.clock.now());
  keepImages(views as readonly ImageView[], { state, book, now });
  if (o.skipState === true) return [];
  if (o.dryRun === true) return state.pending();
  await writePinned(files);
  return await state.write();
}

function discoveryEntry({ image, discovery, problem }: ImageView): CheckEntry[] {
  if (problem === undefined) return [];
  return discovery === 'pending'
    ? [{ image: image.name, status: 'skipped', reason: problem }]
    : [{ image: image.name, status: 'error', reason: problem, code: 'DOCKERFILE_UNREADABLE' }];
}

/** Bases that nobody uses any more are listed and not asked for; with all images at hand they may be forgotten. */
function handleOrphans({ o, book }: Run, all: readonly ImageView[]): CheckEntry[] {
  if ((o.images ?? []).length > 0) return [];
  const used = new Set(all.flatMap(({ uses }) => uses.map(({ identity }) => identity)));
  const orphans = book.identities.filter(identity => !used.has(identity));
  return orphans.map(identity => {
    const stem = book.get(identity)?.stem ?? identity;
    if (o.prune === true) book.remove(identity);
    return {
      image: `base:${stem}`,
      status: 'skipped',
      reason: o.prune === true ? 'nobody uses it; forgotten' : 'nobody uses it; --prune forgets it',
    };
  });
}

/** Records who answers for digests that need not wait. */
function allowNow({ o, book, now }: Run): void {
  for (const text of o.promoteNow ?? []) {
    const at = text.lastIndexOf('@');
    const digest = text.slice(at + 1);
    const name = text.slice(0, at);
    const named = nameBase(name);
    const identity = book.identityOf(name) ?? ('value' in named ? named.value.base.identity : '');
    const record = at < 1 ? undefined : book.get(identity);
    const isSeen = record?.ledger.history.some(seen => seen.digest === digest && seen.isForeign !== true);
    if (record === undefined || isSeen !== true || !o.reason) {
      throw new Fault('USAGE', {
        what: o.reason
          ? `"${text.slice(0, 200)}" is no digest that was seen under a base`
          : 'a digest that skips its quarantine needs a reason',
        expected: 'BASE@sha256:… as cg images status lists them, and --reason TEXT',
        next: 'cg images status',
      });
    }
    const others = record.allowances.filter(other => other.digest !== digest);
    book.change(identity, { allowances: [...others, { digest, reason: o.reason, at: now }] });
  }
}

function notePromotions(pins: readonly PinnedFile[], book: BaseBook, now: string): void {
  for (const { image, base, digest } of pins) {
    const identity = book.identityOf(base) ?? '';
    const record = book.get(identity);
    if (record === undefined) continue;
    const history = record.ledger.history.map(seen =>
      seen.digest === digest ? { ...seen, promotedAt: now } : seen,
    );
    book.change(identity, {
      promotions: { ...record.promotions, [image]: { digest, at: now } },
      ledger: { ...record.ledger, history },
    });
  }
}

function decisionEntry(
  decision: BaseDecision,
  pins: readonly PinnedFile[],
  views: readonly ImageView[],
): CheckEntry[] {
  const { image, base } = decision;
  if (decision.outcome === 'waiting' || decision.outcome === 'starved') {
    const { digest, eligibleAt } = decision;
    return [{ image, status: 'quarantined', base, digest, eligibleAt }];
  }
  if (decision.outcome !== 'eligible') return [];
  const isPinned = pins.some(pin => pin.image === image && pin.base === base);
  const view = views.find(other => other.image.name === image);
  if (!isPinned && view?.image.promote !== true) return [];
  return [{ image, status: isPinned ? 'promoted' : 'eligible', base, digest: decision.digest }];
}

function exitOf(entries: readonly CheckEntry[], allowed: boolean): 0 | 1 | 3 {
  if (!allowed && entries.some(({ status }) => status === 'error')) return 3;
  return entries.some(({ status }) => status === 'drift' || status === 'new-tags') ? 1 : 0;
}

function sayFindings(views: readonly ImageView[], book: BaseBook, o: CheckImagesOptions): void {
  for (const { image, uses } of views) {
    for (const { identity, mentions } of uses) {
      const wrong = mentions.find(({ pinned }) => book.get(identity)?.discarded.includes(pinned ?? ''));
      if (wrong !== undefined)
        o.onNote?.(
          'warning',
          `pin-mismatch: ${image.name} is pinned to a digest of another tag than ${identity}: ${image.dockerfile ?? 'Dockerfile'}:${wrong.line}`,
        );
    }
  }
  for (const { findings } of views)
    for (const { text, where } of findings) o.onNote?.('warning', `${where}: ${text}`);
}

function registriesOf(book: BaseBook): string[] {
  return [...new Set(book.identities.map(identity => identity.slice(0, identity.indexOf('/'))))];
}
