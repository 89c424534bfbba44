import type { RouteKind } from '../http/route.ts';

/** One answered request. No bodies, no headers, no query: nothing that could hold a credential. */
export interface AccessEvent {
  readonly time: string;
  readonly remote: string;
  readonly user?: string;
  readonly method: string;
  readonly endpoint: RouteKind;
  readonly repository?: string;
  /** The tag or digest; uploads are not named, because their name is what allows to write to them. */
  readonly reference?: string;
  readonly status: number;
  /** Why it was refused, as a code of the specification. */
  readonly code?: string;
  readonly received: number;
  readonly sent: number;
  readonly milliseconds: number;
  /** The client went away before it had the whole answer. */
  readonly cut?: true;
}

export type AccessLog = (event: AccessEvent) => void;

/** One line of JSON; control characters are escaped, so a client cannot forge a second line. */
export function formatAccessEvent(event: AccessEvent): string {
  return JSON.stringify(event).replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
