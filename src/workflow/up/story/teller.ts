import { Fault } from '../../../ground/fault/fault.ts';

/** What the story says while it happens. */
export type StoryEvent =
  | { readonly kind: 'chapter'; readonly number: number; readonly title: string }
  | { readonly kind: 'line'; readonly text: string }
  /** Something that was promised, and looked at. */
  | { readonly kind: 'claim'; readonly text: string; readonly holds: boolean; readonly actual?: string }
  | { readonly kind: 'end'; readonly milliseconds: number };

export interface Claim {
  readonly chapter: string;
  readonly text: string;
  readonly holds: boolean;
}

/** Tells a story whose every promise is checked; the first that does not hold ends it. */
export class Teller {
  readonly claims: Claim[] = [];
  readonly #onEvent: (event: StoryEvent) => void;
  #chapters = 0;
  #title = '';

  constructor(onEvent: (event: StoryEvent) => void) {
    this.#onEvent = onEvent;
  }

  async chapter<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.#title = title;
    this.#onEvent({ kind: 'chapter', number: ++this.#chapters, title });
    const started = performance.now();
    const result = await work();
    this.#onEvent({ kind: 'end', milliseconds: performance.now() - started });
    return result;
  }

  line(text: string): void {
    this.#onEvent({ kind: 'line', text });
  }

  claim(text: string, holds: boolean, actual?: string): void {
    this.claims.push({ chapter: this.#title, text, holds });
    this.#onEvent({ kind: 'claim', text, holds, ...(actual !== undefined && !holds && { actual }) });
    if (holds) return;
    throw new Fault('CLAIM_FAILED', {
      what: `what the story promises does not hold: ${text}`,
      where: this.#title,
      ...(actual !== undefined && { actual }),
    });
  }
}
