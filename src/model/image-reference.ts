import { type Digest, isDigest } from './digest.ts';
import type { Parsed } from './parsed.ts';

/** Where an image lives in a registry. With both a tag and a digest, the digest decides and the tag is for people. */
export interface ImageReference {
  /** Host and port as the user means it; Docker Hub is always `docker.io`. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const hostPattern =
  /^(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]{1,5})?$/;
const dockerHubNames = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
]);

export function isRepositoryName(text: string): boolean {
  return text.length <= 255 && repositoryPattern.test(text);
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Reads `[host[:port]/]path[:tag][@algorithm:hex]`; a name without a host is on Docker Hub. */
export function parseImageReference(text: string): Parsed<ImageReference> {
  if (text === '') return { problem: 'an image reference is empty' };
  if (text.length > 1024) return { problem: 'an image reference is longer than 1024 characters' };
  const misplaced = misplacedDigest(text);
  if (misplaced !== undefined) return { problem: misplaced };
  const [named, digestText, ...rest] = text.split('@');
  if (rest.length > 0) return { problem: `"${text}" has more than one @` };
  if (digestText !== undefined && !isDigest(digestText)) return { problem: digestProblem(digestText) };
  const { name, tag } = splitTag(named ?? '');
  if (tag !== undefined && !isTag(tag)) {
    return {
      problem: `the tag "${tag}" is not legal: letters, digits, "_", "." and "-", at most 128, not starting with "." or "-"`,
    };
  }
  const { registry, path } = splitRegistry(name);
  if (registry !== undefined && !isHost(registry)) return { problem: `"${registry}" is not a registry host` };
  const host = registry === undefined || dockerHubNames.has(registry) ? 'docker.io' : registry;
  const repository = host === 'docker.io' && path !== '' && !path.includes('/') ? `library/${path}` : path;
  if (!isRepositoryName(repository)) return { problem: repositoryProblem(repository) };
  return {
    value: {
      registry: host,
      repository,
      ...(tag !== undefined && { tag }),
      ...(digestText !== undefined && { digest: digestText }),
    },
  };
}

/** The one canonical spelling; parsing it again gives the same reference. */
export function formatImageReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** Loopback hosts speak plain http by convention; nothing else does unless the user says so. */
export function isLoopbackHost(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '').toLowerCase();
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(host)
  );
}

/** What to say of `repo:sha256:…`; undefined when there is nothing of the kind. */
export function misplacedDigest(text: string): string | undefined {
  const found = /^([^@]*):(sha(?:256|512):[0-9a-f]+)$/i.exec(text);
  return found === null ? undefined : `a digest follows "@", not ":": write ${found[1]}@${found[2]}`;
}

function splitTag(named: string): { name: string; tag?: string } {
  const colon = named.lastIndexOf(':');
  if (colon === -1 || colon < named.lastIndexOf('/')) return { name: named };
  // A bare "host:5000" cannot be told from "name:tag"; as in every client it is a tag.
  return { name: named.slice(0, colon), tag: named.slice(colon + 1) };
}

function splitRegistry(name: string): { registry?: string; path: string } {
  const slash = name.indexOf('/');
  if (slash === -1) return { path: name };
  const first = name.slice(0, slash);
  const isHostLike = /[.:]/.test(first) || first === 'localhost' || first.startsWith('[');
  // Host names have no case; one spelling finds one set of credentials.
  return isHostLike ? { registry: first.toLowerCase(), path: name.slice(slash + 1) } : { path: name };
}

function isHost(text: string): boolean {
  if (!hostPattern.test(text)) return false;
  const port = /:(\d+)$/.exec(text.replace(/^\[[^\]]*\]/, ''))?.[1];
  return port === undefined || (Number(port) > 0 && Number(port) < 65_536);
}

function digestProblem(text: string): string {
  if (/^sha256:[0-9a-f]+$/.test(text))
    return `the digest "${text}" has ${text.length - 7} hexadecimal places instead of 64`;
  if (/^sha256:/i.test(text))
    return `the digest "${text}" is not 64 lower-case hexadecimal places after "sha256:"`;
  return `"${text}" is not a digest: "sha256:" and 64 lower-case hexadecimal places, or "sha512:" and 128`;
}

function repositoryProblem(repository: string): string {
  if (repository === '') return 'the repository is missing';
  if (/[A-Z]/.test(repository))
    return `the repository "${repository}" has upper-case letters; use "${repository.toLowerCase()}"`;
  return `"${repository}" is not a repository name: lower-case letters and digits, separated by ".", "_", "-" or "/"`;
}
