import { type Dependency } from './provenance.ts';

/** A repository and a commit, spelt in the one way in which they can be compared. */
export interface GitPlace {
  readonly repository: string;
  readonly commit: string | undefined;
}

/** Digest names under which commits are attested; the length of the value decides, whatever the name. */
const commitNames = ['gitCommit', 'sha1', 'sha256'];

/** Attested dependencies that are sources: their URI begins with a version control system, as in `git+https://…`. */
export function isSource({ uri }: Dependency, supported: readonly string[]): boolean {
  return supported.some(vcs => uri.startsWith(`${vcs}+`));
}

export function placeOf({ uri, digest }: Dependency): GitPlace {
  const commit = commitNames.map(name => digest[name]).find(value => value !== undefined && isCommit(value));
  return { repository: spellRepository(uri), commit };
}

export function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

export function referenceOf({ uri, digest }: Dependency, names: readonly string[]): string[] {
  return names.flatMap(name => (digest[name] === undefined ? [] : [`${uri}@${name}:${digest[name]}`]));
}

/**
 * `git+HTTPS://user@GitHub.com:443/shop/web.git/@refs/heads/main` → `https://github.com/shop/web`. Only spellings of
 * one place become equal: the path keeps its case, and a longer name is another repository.
 */
export function spellRepository(text: string): string {
  const plain = text.replace(/^[a-z]+\+/, '');
  const [, scheme = '', authority = '', path = ''] =
    /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(.*)$/s.exec(plain) ?? [];
  if (scheme === '') return plain;
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  const defaultPort = { https: ':443', http: ':80', ssh: ':22' }[scheme.toLowerCase()];
  const place =
    defaultPort !== undefined && host.endsWith(defaultPort) ? host.slice(0, -defaultPort.length) : host;
  return `${scheme.toLowerCase()}://${place}${spellPath(path)}`;
}

function spellPath(path: string): string {
  const named = path.indexOf('@');
  return (named === -1 ? path : path.slice(0, named)).replace(/\/+$/, '').replace(/\.git$/, '');
}
