import { Refusal } from '../http/refusal.ts';

const mostPerUser = 4;
const mostPerAddress = 32;
const mostWaiting = 256;

/** Who wants to log in: strangers share an address only with themselves. */
export interface Caller {
  readonly address: string;
  readonly user: string;
  /** Has logged in from there before. */
  readonly isKnown: boolean;
}

interface Waiting {
  readonly caller: Caller;
  readonly start: () => void;
  readonly refuse: (refusal: Refusal) => void;
}

/**
 * Where logins wait for the one place in which a password is checked. Known callers go first; among the others
 * the turn goes around the addresses, and around the users of each. Who has many waiting makes room for who has few.
 */
export class LoginLine {
  readonly #waiting: Waiting[] = [];
  /** When an address, or a user of one, had its turn last. Cleared when nobody waits. */
  readonly #served = new Map<string, number>();
  #turn = 0;
  #isBusy = false;

  async run<T>(caller: Caller, work: () => Promise<T>): Promise<T> {
    if (this.#isBusy) await this.#wait(caller);
    this.#isBusy = true;
    this.#note(caller);
    try {
      return await work();
    } finally {
      this.#isBusy = false;
      this.#startNext();
    }
  }

  #wait(caller: Caller): Promise<void> {
    this.#makeRoom(caller);
    return new Promise((start, refuse) => this.#waiting.push({ caller, start, refuse }));
  }

  #makeRoom(caller: Caller): void {
    const mine = this.#waiting.filter(each => each.caller.address === caller.address);
    if (mine.filter(each => each.caller.user === caller.user).length >= mostPerUser) throw tooMany();
    if (mine.length >= mostPerAddress) this.#sendAway(mine, each => each.user, caller);
    else if (this.#waiting.length >= mostWaiting) this.#sendAway(this.#waiting, each => each.address, caller);
  }

  /** Sends the last one of the largest group away, or the new one when all groups are as small as its own. */
  #sendAway(among: readonly Waiting[], groupOf: (caller: Caller) => string, caller: Caller): void {
    const groups = new Map<string, Waiting[]>();
    for (const each of among) {
      const group = groupOf(each.caller);
      groups.set(group, [...(groups.get(group) ?? []), each]);
    }
    const [largest = []] = [...groups.values()].sort((a, b) => b.length - a.length);
    const own = groups.get(groupOf(caller))?.length ?? 0;
    const last = largest.findLast(each => !each.caller.isKnown);
    if (last === undefined || (largest.length <= own + 1 && !caller.isKnown)) throw tooMany();
    this.#waiting.splice(this.#waiting.indexOf(last), 1);
    last.refuse(tooMany());
  }

  #startNext(): void {
    const next = this.#waiting.reduce<Waiting | undefined>(
      (best, each) => (best === undefined || this.#goesBefore(each.caller, best.caller) ? each : best),
      undefined,
    );
    if (next === undefined) {
      this.#served.clear();
      return;
    }
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    // Nobody may slip in between this and the turn of the one that was called.
    this.#isBusy = true;
    next.start();
  }

  #goesBefore(a: Caller, b: Caller): boolean {
    if (a.isKnown !== b.isKnown) return a.isKnown;
    const byAddress = this.#servedAt(a.address) - this.#servedAt(b.address);
    return byAddress === 0 ? this.#servedAt(laneOf(a)) < this.#servedAt(laneOf(b)) : byAddress < 0;
  }

  #note(caller: Caller): void {
    if (this.#served.size > 10_000) this.#served.clear();
    this.#served.set(caller.address, ++this.#turn);
    this.#served.set(laneOf(caller), this.#turn);
  }

  #servedAt(name: string): number {
    return this.#served.get(name) ?? 0;
  }
}

function laneOf(caller: Caller): string {
  return `${caller.address} ${caller.user}`;
}

function tooMany(): Refusal {
  return new Refusal(429, 'TOOMANYREQUESTS', 'too many logins at once', { headers: { 'retry-after': '2' } });
}
