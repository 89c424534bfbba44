import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { pinDockerfile } from '../../fleet/pin-dockerfile.ts';
import type { BaseBook } from '../../fleet/state/base-book.ts';
import { writeFileAtomically } from '../../ground/store/atomic-file.ts';
import type { BaseDecision, PinnedFile } from './check-result.ts';
import type { ImageView } from './discover-fleet.ts';

export interface PinnedText {
  readonly path: string;
  readonly text: string;
}

export interface Pinning {
  readonly pins: readonly PinnedFile[];
  readonly files: readonly PinnedText[];
}

/** The Dockerfiles with all eligible digests in them; nothing is written. A file of several images waits for all of them. */
export function pinBases(
  root: string,
  views: readonly ImageView[],
  decisions: readonly BaseDecision[],
  book: BaseBook,
): Pinning {
  const texts = new Map<string, string>();
  const pins: PinnedFile[] = [];
  for (const { path, text, consumers } of groupByFile(views)) {
    let edited = text;
    const names = new Set(consumers.map(({ image }) => image.name));
    const here = decisions.filter(({ image }) => names.has(image));
    for (const identity of new Set(here.map(decision => decision.identity))) {
      const asked = here.filter(decision => decision.identity === identity);
      const digest = commonDigest(asked, book);
      const isWanted = consumers.every(
        ({ image }) => image.promote || !asked.some(a => a.image === image.name),
      );
      const buildArgs = consumers[0]?.image.buildArgs ?? {};
      if (digest === undefined || !isWanted) continue;
      const pinned = pinDockerfile(edited, path, identity, digest, { buildArgs });
      if (pinned.lines.length === 0) continue;
      edited = pinned.text;
      for (const { image, base } of asked)
        pins.push({ path: relative(root, path), image, base, digest, lines: pinned.lines });
    }
    if (edited !== text) texts.set(path, edited);
  }
  return { pins, files: [...texts].map(([path, text]) => ({ path, text })) };
}

export async function writePinned(files: readonly PinnedText[]): Promise<void> {
  for (const { path, text } of files) {
    const { mode } = await stat(path);
    await writeFileAtomically(path, text, { mode: mode & 0o777 });
  }
}

function groupByFile(views: readonly ImageView[]): { path: string; text: string; consumers: ImageView[] }[] {
  const files = new Map<string, { path: string; text: string; consumers: ImageView[] }>();
  for (const view of views) {
    if (view.path === undefined || view.text === undefined || view.discovery !== 'ok') continue;
    const file = files.get(view.path) ?? { path: view.path, text: view.text, consumers: [] };
    file.consumers.push(view);
    files.set(view.path, file);
  }
  return [...files.values()];
}

/** The oldest of what its consumers may have: the most patient one decides. */
function commonDigest(decisions: readonly BaseDecision[], book: BaseBook): string | undefined {
  const digests: string[] = [];
  for (const decision of decisions) {
    if (decision.outcome !== 'eligible') return undefined;
    digests.push(decision.digest);
  }
  const history = book.get(decisions[0]?.identity ?? '')?.ledger.history ?? [];
  const place = (digest: string) => history.findIndex(seen => seen.digest === digest);
  return digests.toSorted((a, b) => place(b) - place(a))[0];
}
