import type { ClusterObject } from '../../model/cluster-object.ts';

/** All that delivery is written from; whatever was missing or wrong was said before. */
export interface DeliveryPlan {
  /** Names Argo CD's projects and applications. */
  readonly application: string;
  /** Kargo's project, and the namespace that it owns. */
  readonly kargoProject: string;
  readonly argoNamespace: string;
  /** Whom syncs run as, where Argo CD impersonates. */
  readonly serviceAccount?: string;
  readonly repository: string;
  readonly branch: string;
  /** Answers whether an image may come to an environment; asked before each commit. */
  readonly gateUrl: string;
  /** The image of this program, by digest. */
  readonly gateImage: string;
  readonly images: readonly DeliveredImage[];
  /** In the order in which images pass through them. */
  readonly environments: readonly DeliveryEnvironment[];
}

export interface DeliveredImage {
  readonly name: string;
  /** Registry and repository. */
  readonly repository: string;
  /** How the kustomizations name it. */
  readonly kustomizeName: string;
  readonly selection: TagSelection;
  readonly platform?: string;
}

export interface TagSelection {
  readonly strategy: 'SemVer' | 'Lexical' | 'NewestBuild' | 'Digest';
  readonly constraint?: string;
  readonly allowTags?: string;
}

export interface DeliveryEnvironment {
  readonly name: string;
  /** Folder of its kustomization in the repository. */
  readonly path: string;
  readonly from?: string;
  /** Milliseconds. */
  readonly soak: number;
  readonly server: string;
  readonly namespace: string;
  /** A person promotes: nothing comes after it. */
  readonly isLast: boolean;
  /** What the overlay renders to, without the gate itself. */
  readonly workloads: readonly ClusterObject[];
  /** Files of the policy, by name; the first is the one to read. */
  readonly policy: { readonly flag: 'policy' | 'promotion'; readonly files: ReadonlyMap<string, string> };
}

/** Hours, minutes and seconds, which is all that Kargo reads. */
export function formatSoak(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts.flatMap(([count, unit]) => (count === 0 ? [] : [`${count}${unit}`])).join('');
}
