import { nameBase } from '../../fleet/base-name.ts';
import { observe, observePin, trimHistory } from '../../fleet/ledger.ts';
import type { BaseBook } from '../../fleet/state/base-book.ts';
import { writeImageState } from '../../fleet/state/image-state.ts';
import type { StateFolder } from '../../fleet/state/state-folder.ts';
import { inParallel } from '../../ground/process/in-parallel.ts';
import type { RegistryAccess } from '../../image/oci/access.ts';
import type { Call } from '../../image/oci/registry.ts';
import type { CheckEntry } from './check-result.ts';
import type { ImageView } from './discover-fleet.ts';
import { readDetails, requestsAtOnce, type Sight, toFailure } from './observe-bases.ts';

interface Keeping {
  readonly book: BaseBook;
  readonly own: ReadonlyMap<string, string>;
  readonly now: string;
  readonly access: RegistryAccess;
  readonly call: Call;
}

/** Puts what was seen into the ledger; only what is new there is asked for more. */
export async function keepSights(
  sights: ReadonlyMap<string, Sight>,
  { book, own, now, access, call }: Keeping,
): Promise<readonly CheckEntry[]> {
  const entries = await inParallel(
    [...sights],
    requestsAtOnce,
    async ([identity, sight]): Promise<CheckEntry> => {
      const record = book.get(identity);
      const image = `base:${record?.stem ?? identity}`;
      if ('error' in sight) {
        const { code, reason } = sight.error;
        // Our own image that nobody has built yet is missing for a good reason.
        return code === 'NOT_FOUND' && own.has(identity)
          ? { image, status: 'skipped', reason: `${own.get(identity)} is not published yet` }
          : { image, status: 'error', reason, code };
      }
      if (record === undefined) return { image, status: 'skipped', reason: 'it follows no tag' };
      const recorded = record.ledger.current;
      const { ledger, change } = observe(record.ledger, sight.digest, now);
      if (ledger === record.ledger) return { image, status: 'ok', digest: sight.digest };
      try {
        const { platforms, publishedAt } = await readDetails(identity, sight.digest, access, call);
        book.change(identity, {
          platforms,
          ledger: observe(record.ledger, sight.digest, now, publishedAt).ledger,
        });
      } catch (error) {
        call.signal?.throwIfAborted();
        const { code, reason } = (toFailure(error) as Extract<Sight, { error: unknown }>).error;
        return { image, status: 'error', reason, code };
      }
      if (change === 'ok') return { image, status: 'ok', digest: sight.digest };
      return change === 'new' || recorded === undefined
        ? { image, status: 'new', live: sight.digest }
        : { image, status: 'drift', recorded, live: sight.digest };
    },
  );
  return entries.toSorted((a, b) => (a.image < b.image ? -1 : 1));
}

/** Pins that were never seen under the tag are known from now on. */
export function keepPins(
  views: readonly ImageView[],
  book: BaseBook,
  sights: ReadonlyMap<string, Sight>,
  now: string,
): void {
  for (const { identity, mentions } of views.flatMap(({ uses }) => uses)) {
    const sight = sights.get(identity);
    if (sight === undefined || 'error' in sight) continue;
    for (const { pinned } of mentions)
      if (pinned !== undefined) book.changeLedger(identity, ledger => observePin(ledger, pinned, now));
  }
}

/** Only a ledger that grew is cut, so that time alone changes nothing. */
export function trimLedgers(book: BaseBook, views: readonly ImageView[], now: Date): void {
  const windows = new Map<string, number>();
  const pins = new Map<string, Set<string>>();
  for (const { image, uses } of views) {
    for (const { identity, mentions } of uses) {
      windows.set(identity, Math.max(windows.get(identity) ?? 0, image.quarantine.window));
      const known = pins.get(identity) ?? new Set();
      for (const { pinned } of mentions) if (pinned !== undefined) known.add(pinned);
      pins.set(identity, known);
    }
  }
  for (const identity of book.grown()) {
    book.changeLedger(identity, ledger =>
      trimHistory(ledger, windows.get(identity) ?? 0, now, pins.get(identity) ?? new Set()),
    );
  }
}

interface Place {
  readonly state: StateFolder;
  readonly book: BaseBook;
  readonly now: string;
}

export function keepImages(views: readonly ImageView[], { state, book, now }: Place): void {
  for (const { image, uses, discovery } of views) {
    // What is only tracked has no state of its own but its tags.
    if (image.isManaged) writeImageState(state.file('images', image.name), { image, now, uses, discovery });
  }
  for (const identity of book.identities) {
    const named = nameBase(identity);
    const record = book.get(identity);
    if ('value' in named && record?.ledger.current !== undefined) book.save(named.value.base, now);
  }
}
