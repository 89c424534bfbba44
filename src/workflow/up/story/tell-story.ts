import { join } from 'node:path';
import { type GitServer, serveGit } from '../../../delivery/git/serve-git.ts';
import { type Clock, systemClock } from '../../../model/clock.ts';
import { commitShop } from './chapters/commit-shop.ts';
import { deliver } from './chapters/deliver.ts';
import { learnAdvisories } from './chapters/learn-advisories.ts';
import { learnOfTomorrow } from './chapters/learn-of-tomorrow.ts';
import { followBase } from './chapters/pin-bases.ts';
import { publishBases } from './chapters/publish-bases.ts';
import { rebuildAll } from './chapters/rebuild-all.ts';
import { refuseStrangers } from './chapters/refuse-strangers.ts';
import { releaseAll } from './chapters/release-all.ts';
import { findExample } from './find-example.ts';
import { type Claim, type StoryEvent, Teller } from './teller.ts';
import { clearWorkshop, DemoClock, storyEnvironment, type Workshop } from './workshop.ts';

export interface TellStory {
  /** A folder that is the story's own: it is cleared at the beginning. */
  readonly folder: string;
  /** host:port of a registry that runs. */
  readonly host: string;
  /** The folder and the issuer of a local Sigstore that runs. */
  readonly sigstore: string;
  readonly issuer: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock?: Clock;
  /** Another bookstore than the one that ships. */
  readonly example?: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: StoryEvent) => void;
}

export interface ToldStory {
  readonly claims: readonly Claim[];
  readonly git: GitServer;
  /** An image that nobody signed, to ask why it is refused. */
  readonly stranger: string;
}

/** A change goes from a commit to production with proof, and is refused where it should be; every promise is checked. */
export async function tellStory(o: TellStory): Promise<ToldStory> {
  const clock = o.clock ?? systemClock;
  await clearWorkshop(o.folder);
  const env = storyEnvironment(o.env, o.folder);
  const git = await serveGit(join(o.folder, 'git'), env);
  const workshop: Workshop = {
    ...o,
    env,
    git,
    clock,
    demoClock: new DemoClock(clock),
    example: o.example ?? (await findExample()),
  };
  const teller = new Teller(o.onEvent);
  try {
    const stranger = await tellChapters(workshop, teller);
    return { claims: teller.claims, git, stranger };
  } catch (error) {
    await git.close();
    throw error;
  }
}

async function tellChapters(workshop: Workshop, teller: Teller): Promise<string> {
  await teller.chapter('Somebody publishes base images', () => publishBases(workshop, teller));
  const repositories = await teller.chapter('A developer commits the shop', () =>
    commitShop(workshop, teller),
  );
  await teller.chapter('The advisories of today are read', () =>
    learnAdvisories(workshop, teller, ['today']),
  );
  const released = await teller.chapter('Every service is built, scanned, proven and released', () =>
    releaseAll(workshop, teller, repositories),
  );
  const followed = await teller.chapter('The base gets its next digest', () =>
    followBase(workshop, teller, repositories),
  );
  const rebuilt = await teller.chapter('What stands on it is rebuilt', () =>
    rebuildAll(workshop, teller, followed),
  );
  const passed = new Map([...released, ...rebuilt]);
  await teller.chapter('The digests go from dev over staging to prod', () =>
    deliver(workshop, teller, followed.repositories, passed),
  );
  const stranger = await teller.chapter('Strangers are refused', () =>
    refuseStrangers(workshop, teller, followed.repositories, passed),
  );
  await teller.chapter('Tomorrow: new advisories arrive', () => learnOfTomorrow(workshop, teller, passed));
  return stranger;
}
