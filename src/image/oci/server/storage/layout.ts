import { join } from 'node:path';
import { algorithmOf, type Digest, hexOf, isDigest } from '../../../../model/digest.ts';
import { isTag } from '../../../../model/image-reference.ts';

/**
 * The data folder. Components of repository names never start with "_", so nothing of ours can collide with one.
 *
 *   owner.lock                              the process that owns the folder
 *   format.json                             kind and version of this layout
 *   blobs/<alg>/<xx>/<hex>                  bytes of blobs and manifests
 *   temporary/                              files on their way to a name; emptied at every start
 *   repositories/<name>/_uploads/<id>       bytes received so far
 *   repositories/<name>/_blobs/<digest>     empty: the repository holds this blob
 *   repositories/<name>/_manifests/<digest> its media type
 *   repositories/<name>/_tags/<tag>         the digest it points at; see tagFileName
 *   repositories/<name>/_refs/<subject>/<digest>  descriptor of a manifest whose subject that is
 */
export class Layout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get blobs(): string {
    return join(this.root, 'blobs');
  }

  get temporary(): string {
    return join(this.root, 'temporary');
  }

  get format(): string {
    return join(this.root, 'format.json');
  }

  get repositories(): string {
    return join(this.root, 'repositories');
  }

  folder(repository: string, part: Part): string {
    return join(this.repositories, repository, part);
  }

  blob(repository: string, digest: Digest): string {
    return join(this.folder(repository, '_blobs'), fileName(digest));
  }

  manifest(repository: string, digest: Digest): string {
    return join(this.folder(repository, '_manifests'), fileName(digest));
  }

  tag(repository: string, tag: string): string {
    return join(this.folder(repository, '_tags'), tagFileName(tag));
  }

  upload(repository: string, id: string): string {
    return join(this.folder(repository, '_uploads'), id);
  }

  referrersOf(repository: string, subject: Digest): string {
    return join(this.folder(repository, '_refs'), fileName(subject));
  }

  referrer(repository: string, subject: Digest, digest: Digest): string {
    return join(this.referrersOf(repository, subject), fileName(digest));
  }
}

export type Part = '_blobs' | '_manifests' | '_tags' | '_refs' | '_uploads';

/** A colon is not legal in file names everywhere. */
export function fileName(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest)}`;
}

export function digestOfFile(name: string): Digest | undefined {
  const digest = name.replace('-', ':');
  return isDigest(digest) ? digest : undefined;
}

/**
 * Small letters, and which of them were capitals, as bits in hexadecimal: `Latest` is `latest^1`. So tags that
 * differ only in case have two files also where the file system does not see the difference.
 */
export function tagFileName(tag: string): string {
  let capitals = 0n;
  for (const [place, letter] of [...tag].entries()) {
    if (letter !== letter.toLowerCase()) capitals |= 1n << BigInt(place);
  }
  return capitals === 0n ? tag : `${tag.toLowerCase()}^${capitals.toString(16)}`;
}

/** Undefined for what is not the file of a tag. A name with capitals is one that an earlier version wrote. */
export function tagOfFile(name: string): string | undefined {
  const [small = '', bits] = name.split('^');
  if (bits === undefined) return isTag(name) ? name : undefined;
  if (!/^[0-9a-f]{1,32}$/.test(bits)) return undefined;
  const capitals = BigInt(`0x${bits}`);
  const tag = [...small].map((letter, place) =>
    (capitals >> BigInt(place)) & 1n ? letter.toUpperCase() : letter,
  );
  const text = tag.join('');
  return isTag(text) && tagFileName(text) === name ? text : undefined;
}
