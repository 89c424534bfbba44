import type { BuildBase } from '../../model/build-record.ts';
import type { Descriptor, Platform } from '../../model/descriptor.ts';
import type { Digest } from '../../model/digest.ts';
import type { IgnoreRules } from '../dockerfile/ignore.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import type { Call, Registry } from '../oci/registry.ts';

export type BuilderId = 'embedded' | 'buildx' | 'buildah';

/** One build, with everything that can change its result. */
export interface BuildRequest {
  readonly dockerfile: Dockerfile;
  /** Where the Dockerfile is. */
  readonly file: string;
  /** The folder that COPY and ADD read from. */
  readonly context: string;
  readonly ignore: IgnoreRules;
  readonly target?: string;
  readonly platforms: readonly Platform[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Seconds since 1970: the time of everything in the image. */
  readonly epoch: number;
  /** Every image that the Dockerfile names, resolved once, by the name that it has there. */
  readonly bases: ReadonlyMap<string, ResolvedBase>;
  /** Where the result goes, by digest and without a tag. */
  readonly destination: Registry;
  /** A folder for what does not fit in memory; the caller removes it. */
  readonly workFolder: string;
  readonly onStep?: (step: BuildStep) => void;
  readonly onWarning?: (text: string, offset: number) => void;
}

export interface ResolvedBase extends BuildBase {
  readonly registry: Registry;
  /** The name with its digest, for programs that fetch it themselves. */
  readonly pinned: string;
}

export interface BuildStep {
  readonly platform: string;
  readonly text: string;
}

export interface Built {
  readonly root: Descriptor;
  readonly platforms: readonly { readonly platform: string; readonly digest: Digest }[];
  readonly builder: { readonly driver: string; readonly version: string };
}

export interface BuilderProbe {
  readonly available: boolean;
  /** Why, in a few words that fit behind "buildah: ". */
  readonly reason: string;
  readonly version?: string;
}

/** Something that can turn a Dockerfile into an image. */
export interface Builder {
  readonly id: BuilderId;
  probe(o: Call): Promise<BuilderProbe>;
  /** What of this Dockerfile it cannot do; empty when it can do all. */
  unsupported(request: Pick<BuildRequest, 'dockerfile' | 'target' | 'buildArgs'>): readonly Unsupported[];
  build(request: BuildRequest, o: Call): Promise<Built>;
}

export interface Unsupported {
  readonly offset: number;
  readonly what: string;
}
