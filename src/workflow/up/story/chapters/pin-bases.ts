import { Git } from '../../../../delivery/git/git.ts';
import { type CheckedImages, checkImages } from '../../../check-images.ts';
import { planCascade } from '../../../plan-cascade.ts';
import type { Repositories } from '../repositories.ts';
import type { Teller } from '../teller.ts';
import { commitAndPush, type Workshop } from '../workshop.ts';
import { debian, publishBase } from './publish-bases.ts';

const day = 86_400_000;

/** Looks at the bases of the shop as they are at the time of the demo's clock. */
export async function look(
  workshop: Workshop,
  cwd: string,
  o: { readonly pin: boolean },
): Promise<CheckedImages> {
  const { env, signal, demoClock: clock } = workshop;
  return await checkImages({ cwd, env, signal, clock, pin: o.pin });
}

/** Digests are taken only after they were seen for a while: the clock of the demo runs ahead, and says so. */
export function passDays(workshop: Workshop, teller: Teller, days: number): void {
  workshop.demoClock.advance(days * day);
  teller.line(
    `… the demo's clock goes ${days} days ahead, to ${workshop.demoClock.now().toISOString().slice(0, 10)}`,
  );
}

/** The bases are seen, waited for and pinned, before anything is built on them. */
export async function pinFirstBases(workshop: Workshop, teller: Teller, work: string): Promise<void> {
  const seen = await look(workshop, work, { pin: false });
  const bases = new Set(seen.decisions.map(({ base }) => base));
  teller.line(`${bases.size} bases seen for the first time: ${[...bases].join(', ')}`);
  passDays(workshop, teller, 3);
  const pinned = await look(workshop, work, { pin: true });
  for (const { path, base, digest } of pinned.pins)
    teller.line(`pinned   ${path}   ${base.split('/').at(-1) ?? base}@${digest.slice(0, 19)}`);
  teller.claim(
    'every Dockerfile stands on digests that were seen long enough',
    pinned.pins.length === 4,
    JSON.stringify(pinned.entries),
  );
}

export interface Followed {
  readonly repositories: Repositories;
  /** Names of the images to rebuild, in order. */
  readonly rebuild: readonly string[];
}

/** The base gets its next digest: held back at first, then taken, and a plan says what stands on it. */
export async function followBase(
  workshop: Workshop,
  teller: Teller,
  repositories: Repositories,
): Promise<Followed> {
  const { shop } = repositories;
  const next = await publishBase(workshop, 'debian-2', debian);
  teller.line(`debian:12 is now ${next}`);
  const early = await look(workshop, shop.work, { pin: true });
  const waiting = early.decisions.filter(({ outcome }) => outcome === 'waiting');
  for (const decision of waiting)
    if (decision.outcome === 'waiting')
      teller.line(
        `held     ${decision.image} waits for ${decision.digest.slice(0, 19)} until ${decision.eligibleAt}`,
      );
  teller.claim(
    'a digest that is new today is held back',
    waiting.length === 2 && early.pins.length === 0,
    JSON.stringify(early.decisions),
  );
  passDays(workshop, teller, 3);
  await look(workshop, shop.work, { pin: false });
  const plan = await planCascade({
    cwd: shop.work,
    env: workshop.env,
    signal: workshop.signal,
    clock: workshop.demoClock,
  });
  for (const { wave, images } of plan.waves)
    teller.line(`wave ${wave}   ${images.map(({ name }) => name).join(', ')}`);
  const rebuild = plan.waves.flatMap(({ images }) => images.map(({ name }) => name));
  teller.claim(
    'the plan rebuilds what stands on debian:12, and nothing else',
    [...rebuild].sort().join(' ') === 'catalog orders',
    rebuild.join(', '),
  );
  const taken = await look(workshop, shop.work, { pin: true });
  const changed = await changedLines(workshop, shop.work);
  teller.claim(
    'the change is one line in each of the two Dockerfiles',
    taken.pins.length === 2 && changed === 2,
    `${changed} lines`,
  );
  const commit = await commitAndPush(workshop, shop.work, shop.remote, 'Take the next debian:12');
  return { repositories: { ...repositories, shop: { ...shop, commit } }, rebuild };
}

async function changedLines({ env, signal }: Workshop, work: string): Promise<number> {
  const text = await new Git(work, { env, signal }).text(['diff', '--numstat', '--', 'services']);
  return text.split('\n').reduce((sum, line) => sum + Number(line.split('\t')[0] ?? 0), 0);
}
