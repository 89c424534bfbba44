import {
  type BranchChanged,
  changeBranch,
  type RefusedPush,
  readBranch,
} from '../delivery/git/change-branch.ts';
import type { Snapshot } from '../delivery/git/snapshot.ts';
import type { ImageChange } from '../delivery/gitops/image-file.ts';
import { formatMessage, type Trailers } from '../delivery/gitops/trailers.ts';
import { Fault } from '../ground/fault/fault.ts';
import { type ImageReference, parseImageReference } from '../model/image-reference.ts';
import {
  type EditedEnvironment,
  type EnvironmentFile,
  editEnvironment,
  type PinChange,
  readEnvironment,
} from './gitops/edit-environment.ts';
import {
  type Deployment,
  type DeploymentChoice,
  type Environment,
  findEnvironment,
  readDeployment,
} from './gitops/environments.ts';
import {
  type CheckedImage,
  type EvidenceOptions,
  evidenceTrailers,
  requireEvidence,
  requireReason,
} from './gitops/require-evidence.ts';

export interface BumpImagesOptions extends DeploymentChoice, EvidenceOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly environment: string;
  /** `[NAME=]REPOSITORY[:TAG]@sha256:…` */
  readonly images: readonly string[];
  /** Make entries that are not there. */
  readonly add?: boolean;
  /** Only say what would change. */
  readonly plan?: boolean;
  readonly signal?: AbortSignal;
  readonly onRetry?: (attempt: number, refused: RefusedPush) => void;
}

export interface BumpedImages {
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

interface WantedImage {
  readonly name?: string;
  readonly reference: ImageReference;
  readonly text: string;
}

/** Pins digests in an environment: proven first, edited by splice, pushed so that writers at once lose nothing. */
export async function bumpImages(o: BumpImagesOptions): Promise<BumpedImages> {
  requireReason(o);
  const deployment = await readDeployment(o);
  const environment = findEnvironment(deployment, o.environment);
  const wanted = o.images.map(readWanted);
  refuseTwice(wanted);
  const checked: CheckedImage[] = [];
  for (const { text } of wanted) checked.push(await requireEvidence(text, environment, o));
  const done = await pinInEnvironment(deployment, environment, o, {
    change: file => wanted.map(image => toChange(image, file, o.add ?? false)),
    title: changes => `deploy(${environment.name}): ${titleOf(changes)}`,
    trailers: changes => [
      ...wanted.map(({ text }) => ['Image', text] as const),
      ...evidenceTrailers(checkedOf(checked, changes), o),
    ],
  });
  return { ...done, ...unverifiedOf(checked, done.changes) };
}

/** Only what changed: what was there already came before, and its own commit tells of it. */
export function unverifiedOf(
  checked: readonly CheckedImage[],
  changes: readonly PinChange[],
): Pick<BumpedImages, 'unverified'> {
  const unverified = checkedOf(checked, changes).filter(({ evidence }) => evidence === 'unverified');
  if (unverified.length === 0) return {};
  return { unverified: unverified.map(({ image, failed }) => ({ image, failed })) };
}

export function checkedOf(
  checked: readonly CheckedImage[],
  changes: readonly PinChange[],
): readonly CheckedImage[] {
  return checked.filter(({ image }) => changes.some(({ to }) => image.endsWith(`@${to}`)));
}

export interface PinPlan {
  readonly change: (
    file: EnvironmentFile,
    head: Snapshot,
  ) => readonly ImageChange[] | Promise<readonly ImageChange[]>;
  readonly title: (changes: readonly PinChange[]) => string;
  readonly trailers: (changes: readonly PinChange[], head: Snapshot) => Trailers;
}

/** The common end of bump, promotion and rollback: edit, check, commit, push, and again when somebody was faster. */
export async function pinInEnvironment(
  deployment: Deployment,
  environment: Environment,
  o: Pick<BumpImagesOptions, 'env' | 'signal' | 'plan' | 'onRetry'> & { readonly wholeHistory?: boolean },
  plan: PinPlan,
): Promise<BumpedImages> {
  const { repository, branch, author } = deployment;
  const reach = {
    remote: repository,
    branch,
    env: o.env,
    ...(o.signal !== undefined && { signal: o.signal }),
  };
  const common = { environment: environment.name, repository, branch };
  const edit = async (head: Snapshot): Promise<EditedEnvironment> =>
    await editEnvironment(
      head,
      environment,
      await plan.change(await readEnvironment(head, environment), head),
      reach,
    );
  if (o.plan === true) {
    const { changes, rendered } = await readBranch({ ...reach, wholeHistory: o.wholeHistory ?? false }, edit);
    return { ...common, changes, rendered, pushed: false, attempts: 1 };
  }
  let last: EditedEnvironment | undefined;
  const done: BranchChanged = await changeBranch({
    ...reach,
    author,
    wholeHistory: o.wholeHistory ?? false,
    ...(o.onRetry !== undefined && { onRetry: o.onRetry }),
    plan: async head => {
      const edited = await edit(head);
      last = edited;
      if (edited.text === edited.file.text) return undefined;
      const message = formatMessage(plan.title(edited.changes), plan.trailers(edited.changes, head));
      return { files: new Map([[edited.file.path, edited.text]]), message };
    },
  });
  return { ...common, changes: last?.changes ?? [], rendered: last?.rendered ?? false, ...done };
}

export function titleOf(changes: readonly PinChange[]): string {
  const [first, ...others] = changes;
  if (first === undefined) return 'no change';
  return others.length === 0
    ? `${first.name} ${first.to.slice(7, 19)}`
    : `${first.name} and ${others.length} more`;
}

function readWanted(text: string): WantedImage {
  const at = text.indexOf('=');
  // A name before "=" is the entry of the file; a digest never holds one.
  const [name, image] = at > 0 ? [text.slice(0, at), text.slice(at + 1)] : [undefined, text];
  const parsed = parseImageReference(image);
  if ('problem' in parsed)
    throw new Fault('REFERENCE_INVALID', { what: parsed.problem, where: image.slice(0, 300) });
  return { reference: parsed.value, text: image, ...(name !== undefined && { name }) };
}

function refuseTwice(wanted: readonly WantedImage[]): void {
  const names = wanted.map(({ name, reference }) => name ?? `${reference.registry}/${reference.repository}`);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new Fault('USAGE', {
      what: `${twice} is named twice`,
      expected: 'one digest for each image',
      next: 'leave one of them out',
    });
}

/** The entry that is named; else the one that is about this repository, whatever it was called before. */
function toChange(
  { name, reference }: WantedImage,
  { pins, path }: EnvironmentFile,
  add: boolean,
): ImageChange {
  const repository = `${reference.registry}/${reference.repository}`;
  const digest = reference.digest ?? '';
  const tag = reference.tag === undefined ? {} : { tag: reference.tag };
  if (name !== undefined) {
    const pin = pins.find(one => one.name === name);
    const isNew = pin !== undefined && (pin.newName ?? pin.name) !== repository;
    return {
      name,
      digest,
      ...tag,
      add,
      ...((isNew || pin === undefined) && name !== repository && { newName: repository }),
    };
  }
  const fitting = pins.filter(pin => sameRepository(pin.newName ?? pin.name, repository));
  const [pin, another] = fitting;
  if (another !== undefined) {
    throw new Fault('EDIT_REFUSED', {
      what: `several entries are about ${repository} (AMBIGUOUS)`,
      where: path,
      actual: fitting.map(one => `${one.name} (line ${one.line})`).join(', '),
      next: `name the entry: ${fitting[0]?.name}=${repository}@${digest.slice(0, 14)}…`,
    });
  }
  return pin === undefined ? { name: repository, digest, ...tag, add } : { name: pin.name, digest, ...tag };
}

export function sameRepository(text: string, repository: string): boolean {
  const parsed = parseImageReference(text);
  return 'value' in parsed && `${parsed.value.registry}/${parsed.value.repository}` === repository;
}
