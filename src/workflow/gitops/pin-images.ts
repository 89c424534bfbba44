import {
  type BranchChanged,
  changeBranch,
  type RefusedPush,
  readBranch,
} from '../../delivery/git/change-branch.ts';
import type { Snapshot } from '../../delivery/git/snapshot.ts';
import type { ImageChange } from '../../delivery/gitops/image-file.ts';
import { formatMessage, type Trailers } from '../../delivery/gitops/trailers.ts';
import {
  type EditedEnvironment,
  type EnvironmentFile,
  editEnvironment,
  type PinChange,
  readEnvironment,
} from './edit-environment.ts';
import type { Deployment, DeploymentChoice, Environment } from './environments.ts';
import {
  type CheckedImage,
  type EvidenceOptions,
  evidenceTrailers,
  requireEvidence,
  requireReason,
} from './require-evidence.ts';

export interface PinImagesOptions extends DeploymentChoice, EvidenceOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Only say what would change. */
  readonly plan?: boolean;
  readonly signal?: AbortSignal;
  readonly onRetry?: (attempt: number, refused: RefusedPush) => void;
}

export interface PinnedImages {
  readonly environment: string;
  readonly repository: string;
  readonly branch: string;
  readonly changes: readonly PinChange[];
  /** The head of the branch afterwards; absent for a plan. */
  readonly commit?: string;
  readonly pushed: boolean;
  readonly attempts: number;
  /** Whether kustomize built it before and after. */
  readonly rendered: boolean;
  /** What came although its policy denies it, or although nobody was asked. */
  readonly unverified?: readonly UnverifiedImage[];
}

export interface UnverifiedImage {
  readonly image: string;
  /** Codes of the rules that it does not fulfil. */
  readonly failed: readonly string[];
}

/** Asks the registry and the policy about an image; the second question is answered from memory. */
export type AskEvidence = (image: string) => Promise<CheckedImage>;

/** What is pinned, and in which words: the one thing in which bump, promotion and rollback differ. */
export interface Proposal {
  readonly verb: 'deploy' | 'revert';
  /** Asked about before Git is opened. */
  readonly before?: readonly string[];
  /** Older commits are needed. */
  readonly wholeHistory?: boolean;
  readonly propose: (
    file: EnvironmentFile,
    head: Snapshot,
    ask: AskEvidence,
  ) => readonly ImageChange[] | Promise<readonly ImageChange[]>;
  /** Beside what is said of the evidence. */
  readonly trailers: (changes: readonly PinChange[], head: Snapshot) => Trailers;
}

/** Where: an environment, and the repository that describes it. */
export interface PinPlace {
  readonly deployment: Deployment;
  readonly environment: Environment;
}

/** Proves, edits, checks, commits and pushes, and again when somebody was faster; all of it or nothing. */
export async function pinImages(
  o: PinImagesOptions,
  { deployment, environment }: PinPlace,
  { verb, wholeHistory = false, before = [], propose, trailers }: Proposal,
): Promise<PinnedImages> {
  requireReason(o);
  const { repository, branch, author } = deployment;
  const asked = new Map<string, CheckedImage>();
  const ask: AskEvidence = async image => {
    const known = asked.get(image) ?? (await requireEvidence(image, environment, o));
    asked.set(image, known);
    return known;
  };
  for (const image of before) await ask(image);
  const reach = {
    remote: repository,
    branch,
    env: o.env,
    wholeHistory,
    ...(o.signal !== undefined && { signal: o.signal }),
  };
  const edit = async (head: Snapshot): Promise<EditedEnvironment> => {
    const changes = await propose(await readEnvironment(head, environment), head, ask);
    return await editEnvironment(head, environment, changes, reach);
  };
  const common = { environment: environment.name, repository, branch };
  if (o.plan === true) {
    const { changes, rendered } = await readBranch(reach, edit);
    return { ...common, changes, rendered, pushed: false, attempts: 1, ...unverifiedOf(asked, changes) };
  }
  let last: EditedEnvironment | undefined;
  const done: BranchChanged = await changeBranch({
    ...reach,
    author,
    ...(o.onRetry !== undefined && { onRetry: o.onRetry }),
    plan: async head => {
      const edited = await edit(head);
      last = edited;
      const { changes, file, text } = edited;
      if (text === file.text) return undefined;
      const message = formatMessage(`${verb}(${environment.name}): ${titleOf(changes)}`, [
        ...trailers(changes, head),
        ...evidenceTrailers(checkedOf(asked, changes), o),
      ]);
      return { files: new Map([[file.path, text]]), message };
    },
  });
  const changes = last?.changes ?? [];
  return { ...common, changes, rendered: last?.rendered ?? false, ...done, ...unverifiedOf(asked, changes) };
}

export function imageTrailers(changes: readonly PinChange[]): Trailers {
  return changes.map(({ name, to }) => ['Image', `${name}@${to}`] as const);
}

function titleOf(changes: readonly PinChange[]): string {
  const [first, ...others] = changes;
  if (first === undefined) return 'no change';
  return others.length === 0
    ? `${first.name} ${first.to.slice(7, 19)}`
    : `${first.name} and ${others.length} more`;
}

/** Only what changed: what was there already came before, and its own commit tells of it. */
function unverifiedOf(
  asked: ReadonlyMap<string, CheckedImage>,
  changes: readonly PinChange[],
): Pick<PinnedImages, 'unverified'> {
  const unverified = checkedOf(asked, changes).filter(({ evidence }) => evidence === 'unverified');
  if (unverified.length === 0) return {};
  return { unverified: unverified.map(({ image, failed }) => ({ image, failed })) };
}

function checkedOf(
  asked: ReadonlyMap<string, CheckedImage>,
  changes: readonly PinChange[],
): readonly CheckedImage[] {
  return [...asked.values()].filter(({ image }) => changes.some(({ to }) => image.endsWith(`@${to}`)));
}
