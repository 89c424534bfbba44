import { BaseBook } from '../fleet/state/base-book.ts';
import { readImageState } from '../fleet/state/image-state.ts';
import { StateFolder } from '../fleet/state/state-folder.ts';
import { Fault } from '../ground/fault/fault.ts';
import type { Clock } from '../model/clock.ts';
import { defined } from '../model/defined.ts';
import { graphOf, publishedNames } from './images/check-fleet.ts';
import type { BaseDecision } from './images/check-result.ts';
import { decideBases } from './images/decide-bases.ts';
import { discoverFleet } from './images/discover-fleet.ts';
import type { FleetPlace } from './images/fleet-place.ts';
import { readFleet } from './images/read-fleet.ts';

export interface ImageStatus {
  readonly name: string;
  readonly kind: 'managed' | 'external' | 'tracked';
  readonly published?: string;
  readonly digest?: string;
  readonly lastBuilt?: string;
  readonly bases: readonly {
    readonly base: string;
    readonly ref: string;
    readonly kind: string;
    readonly line: number;
    readonly pinned?: string;
  }[];
}

export interface BaseStatus {
  readonly base: string;
  readonly identity: string;
  readonly digest?: string;
  readonly observedAt?: string;
  readonly consumers: readonly BaseDecision[];
}

export interface ShownImages {
  readonly images: readonly ImageStatus[];
  readonly bases: readonly BaseStatus[];
  readonly nodes: readonly string[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

/** What is known of the fleet, from files alone: images, their bases, who waits for what, and who stands on whom. */
export async function showImages(o: FleetPlace & { readonly clock: Clock }): Promise<ShownImages> {
  const fleet = await readFleet(o);
  const state = await StateFolder.open(fleet.root, o.stateDir);
  if (!state.exists) {
    throw new Fault('FILE_MISSING', {
      what: 'nothing is known of these images yet',
      where: state.path,
      next: 'cg images check',
    });
  }
  const book = new BaseBook(state);
  const views = await discoverFleet(fleet.root, fleet.images, state, book);
  const decisions = await decideBases(views, book, {
    now: o.clock.now(),
    own: publishedNames(fleet.images),
  });
  const graph = graphOf(views);
  const own = publishedNames(fleet.images);
  return {
    images: views.map(({ image, uses }) => {
      const file = state.images.get(image.name);
      const record = file === undefined ? undefined : readImageState(file, stem => book.identityOf(stem));
      const { published } = image;
      return {
        name: image.name,
        kind: image.isManaged ? 'managed' : image.enabled ? 'external' : 'tracked',
        ...defined({ published, digest: record?.currentDigest, lastBuilt: record?.lastBuilt }),
        bases: uses.flatMap(({ stem, mentions }) =>
          mentions.map(({ ref, kind, line, pinned }) => ({
            base: stem,
            ref,
            kind,
            line,
            ...defined({ pinned }),
          })),
        ),
      };
    }),
    bases: book.identities.map(identity => {
      const record = book.get(identity);
      const current = record?.ledger.history.find(({ digest }) => digest === record.ledger.current);
      return {
        base: record?.stem ?? identity,
        identity,
        ...defined({ digest: record?.ledger.current, observedAt: current?.observedAt }),
        consumers: decisions.filter(decision => decision.identity === identity),
      };
    }),
    nodes: graph.names,
    edges: views.flatMap(({ image, uses }) =>
      uses.map(({ identity, stem }) => ({ from: image.name, to: own.get(identity) ?? `base:${stem}` })),
    ),
  };
}
