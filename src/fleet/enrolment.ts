import type { Forge } from '../model/forge.ts';
import type { QuarantineRule } from './quarantine.ts';

/** An image of `images.yaml` with its defaults applied; no file format is left in it. */
export interface EnrolledImage {
  readonly name: string;
  readonly enabled: boolean;
  /** Enabled, and built from a Dockerfile that is known. */
  readonly isManaged: boolean;
  /** Where it is published, canonical: `registry/repository:tag`. */
  readonly published?: string;
  readonly registry?: string;
  readonly repository: string;
  readonly tag: string;
  /** Relative to the folder of `images.yaml`, or to the repository that it lives in. */
  readonly dockerfile?: string;
  /** The folder that COPY reads from, relative as the Dockerfile. */
  readonly context: string;
  /** Program and arguments that test it, without a shell. */
  readonly test?: readonly string[];
  /** The Dockerfile lies in another repository. */
  readonly remote?: { readonly provider: Forge; readonly repo: string };
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platforms: readonly string[];
  /** Windows and holds that this image asks for. */
  readonly quarantine: QuarantineRule;
  /** Whether a window is set for this image alone, and so also holds for bases of our own. */
  readonly hasOwnWindow: boolean;
  readonly promote: boolean;
  /** Milliseconds between two rebuilds. */
  readonly rebuildDelay: number;
  readonly autoRebuild: boolean;
  readonly knownTags: readonly string[];
  /** As it was written, for the state file. */
  readonly enrollment: Readonly<Record<string, unknown>>;
}

/** One base that an image uses: all its mentions in the Dockerfile are one use. */
export interface BaseUse {
  readonly identity: string;
  readonly stem: string;
  readonly mentions: readonly BaseMention[];
}

export interface BaseMention {
  readonly ref: string;
  readonly kind: 'base' | 'build' | 'copy' | 'mount' | 'frontend';
  readonly line: number;
  readonly pinned?: string;
  /** False for a reference that is built from parts. */
  readonly isPinnable: boolean;
}
