import { isLoopbackHost } from '../../model/image-reference.ts';

/** The headers by which a browser, and the name that led it here, show. */
export interface Visit {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly site: string | undefined;
}

export interface OriginRules {
  /** Only names of this machine: what is reached by another name was led here by a page (DNS rebinding). */
  readonly loopbackOnly: boolean;
  /** Names by which the server is reached besides, without a port. */
  readonly allowed: readonly string[];
}

/** Whether a web page of others uses a visitor's browser against a server: by its `name`, or as a `page`. */
export function findIntruder({ host, origin, site }: Visit, rules: OriginRules): 'name' | 'page' | undefined {
  const isAllowed = (name: string): boolean => rules.allowed.includes(withoutPort(name));
  if (rules.loopbackOnly && host !== undefined && !isLoopbackHost(host) && !isAllowed(host)) return 'name';
  if (site === 'cross-site' || (origin !== undefined && !isOwn(origin, host, isAllowed))) return 'page';
  return undefined;
}

function isOwn(origin: string, host: string | undefined, isAllowed: (name: string) => boolean): boolean {
  const name = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase();
  if (name === undefined) return false;
  return name === host?.toLowerCase() || isAllowed(name);
}

function withoutPort(name: string): string {
  return name.replace(/:\d+$/, '').toLowerCase();
}
