/** What shall become of one image in a file of the user's. */
export interface ImageChange {
  /** The entry, as the file names it. */
  readonly name: string;
  readonly digest: string;
  readonly newName?: string;
  readonly tag?: string;
  readonly dropTag?: boolean;
  /** Make the entry when it is not there. */
  readonly add?: boolean;
}

/** One image as a file pins it. */
export interface ImagePin {
  readonly name: string;
  readonly newName?: string;
  readonly tag?: string;
  readonly digest?: string;
  /** From 1. */
  readonly line: number;
}

/** Why a file was left alone; the codes are stable. */
export type RefusalCode =
  | 'ENCODING'
  | 'YAML'
  | 'MULTIDOC'
  | 'SHAPE'
  | 'MISSING'
  | 'DUP'
  | 'ALIAS'
  | 'ANCHOR'
  | 'DIGEST'
  | 'AMBIGUOUS';

export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly line?: number;
}

export type Edited =
  | { readonly text: string; readonly changed: readonly string[] }
  | { readonly refusals: readonly Refusal[] };

/** A kind of file that pins images: found, read and changed without touching a byte that is not meant. */
export interface ImageFile {
  readonly id: string;
  detect(path: string): boolean;
  find(text: string): { readonly pins: readonly ImagePin[] } | { readonly refusals: readonly Refusal[] };
  edit(text: string, changes: readonly ImageChange[]): Edited;
}
