import { isLoopbackHost } from '../../../../model/image-reference.ts';
import { Refusal } from '../http/refusal.ts';

/** The headers by which a browser, and the name that led it here, show. */
export interface Visit {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly site: string | undefined;
}

export interface OriginRules {
  /** Only names of this machine: what is reached by another name was led here by a page (DNS rebinding). */
  readonly loopbackOnly: boolean;
  /** Names by which the registry is reached besides, without a port. */
  readonly allowed: readonly string[];
}

/** Keeps web pages of others from using a visitor's browser against the registry. No client of images sends Origin. */
export function checkOrigin(visit: Visit, rules: OriginRules): void {
  const { host, origin, site } = visit;
  const isAllowed = (name: string): boolean => rules.allowed.includes(withoutPort(name));
  if (rules.loopbackOnly && host !== undefined && !isLoopbackHost(host) && !isAllowed(host)) {
    throw new Refusal(403, 'DENIED', 'this registry is not reached by this name; see --allow-host', {
      detail: { host: host.slice(0, 200) },
    });
  }
  if (site === 'cross-site' || (origin !== undefined && !isOwn(origin, host, isAllowed))) {
    throw new Refusal(403, 'DENIED', 'web pages of other origins may not use this registry');
  }
}

function isOwn(origin: string, host: string | undefined, isAllowed: (name: string) => boolean): boolean {
  const name = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
  if (name === undefined) return false;
  return name === host?.toLowerCase() || isAllowed(name);
}

function withoutPort(name: string): string {
  return name.replace(/:\d+$/, '').toLowerCase();
}
