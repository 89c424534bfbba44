/** When a pipeline runs. */
export type PipelineEvent = 'pr' | 'merge' | 'release' | 'nightly';

/** What a job is handed: everything else it does not have. */
export interface Credentials {
  readonly contents?: 'read' | 'write';
  readonly registry?: 'read' | 'write';
  /** An identity token, for keyless signing. */
  readonly oidc?: 'sigstore';
  readonly issues?: 'write';
  readonly findings?: 'write';
  /** The environment whose Git repository it may push to. */
  readonly gitops?: string;
}

/** Whose code runs in a job. */
export type Trust = 'userCode' | 'thirdPartyTool' | 'trusted';

/** What a word of a command stands for; each forge has its own place or variable for it. */
export type Meaning =
  | 'image'
  | 'images'
  | 'kept'
  | 'reference'
  | 'output'
  | 'layout'
  | 'scan'
  | 'result'
  | 'results'
  | 'release'
  | 'commit'
  | 'version'
  | 'rescan'
  | 'platform';
export type Word = string | { readonly of: Meaning };

/** The words of one call of cg; there are no other commands in a pipeline. */
export type Call = readonly Word[];

/** Calls that share an environment, one after the other; the first that fails ends the job. */
export interface Step {
  readonly calls: readonly Call[];
  /** It talks to the registry or the forge with what the job may. */
  readonly token?: boolean;
  /** It wants to know how the image was built. */
  readonly record?: boolean;
  /** Variables that hold secrets of the job's environment. */
  readonly secrets?: readonly string[];
}

/** Files that go from one job to another; of a job per image there is one set for each image. */
export interface Artifact {
  readonly name: 'cg-build' | 'cg-scan' | 'cg-result' | 'cg-release' | 'cg-rescan';
  readonly days: number;
  /** Kept also when the job says no, because it says why. */
  readonly always?: boolean;
}

export interface Job {
  readonly id: string;
  readonly event: PipelineEvent;
  readonly trust: Trust;
  readonly perImage: boolean;
  /** Ids of jobs of the same event. */
  readonly needs: readonly string[];
  readonly credentials: Credentials;
  /** Why it has them, for whoever reads what was generated. */
  readonly reasons: Readonly<Partial<Record<keyof Credentials, string>>>;
  readonly steps: readonly Step[];
  /** Values that it tells the jobs after it, where a forge has such a thing. */
  readonly outputs: readonly string[];
  readonly takes: readonly Artifact['name'][];
  readonly gives: readonly Artifact[];
  readonly timeoutMinutes: number;
  /** Holds the secrets of the job. */
  readonly environment?: string;
  /** Jobs with the same lock wait for each other. */
  readonly lock?: string;
  /** It needs the whole history. */
  readonly history?: boolean;
  /** It says whether all that it needs passed, and runs also when that is not so. */
  readonly aggregates?: boolean;
  /** It runs also when what it needs failed: that left files, and they say why. */
  readonly always?: boolean;
  /** No job may; the type has it so that the rule against it can be proven. */
  readonly allowFailure?: boolean;
}

export interface PipelineImage {
  readonly name: string;
  /** Folder and file whose changes are changes of the image. */
  readonly context: string;
  readonly dockerfile: string;
}

export interface Pipeline {
  readonly images: readonly PipelineImage[];
  readonly branch: string;
  readonly jobs: readonly Job[];
  /** What a run does to an older one of the same branch: wait for it, or end it. */
  readonly concurrency: Readonly<Partial<Record<PipelineEvent, 'wait' | 'replace'>>>;
}

/** A file as it should be. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
  readonly executable?: boolean;
}

export function isCall(call: Call, stage: string): boolean {
  return call[0] === 'ci' && call[1] === stage;
}

export function callsOf({ steps }: Pick<Job, 'steps'>): readonly Call[] {
  return steps.flatMap(({ calls }) => calls);
}

export function doesCall(job: Pick<Job, 'steps'>, stage: string): boolean {
  return callsOf(job).some(call => isCall(call, stage));
}
