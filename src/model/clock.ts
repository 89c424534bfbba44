/** Where the time comes from, so that tests and replays can freeze it. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

export function frozenClock(at: string | Date): Clock {
  const time = new Date(at);
  return { now: () => new Date(time) };
}
