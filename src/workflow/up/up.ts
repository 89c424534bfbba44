import { join } from 'node:path';
import type { GitServer } from '../../delivery/git/serve-git.ts';
import { hasCode } from '../../ground/fault/fault.ts';
import { open } from '../../image/oci/open.ts';
import { reachRegistries } from '../reach-registries.ts';
import { type ServeRegistryRequest, serveRegistry } from '../serve-registry.ts';
import { pushSampleImage } from './sample-image.ts';
import { openUpSigstore, type SampleSigner, signSample } from './sign-sample.ts';
import { type TellStory, tellStory } from './story/tell-story.ts';

export interface UpRequest
  extends Pick<ServeRegistryRequest, 'readyFile' | 'clock' | 'version' | 'onProblem'> {
  readonly data: string;
  /** Where the local Sigstore keeps its keys; without it below the data. */
  readonly sigstoreData?: string;
  readonly addr: string;
  readonly signal: AbortSignal;
  readonly onReady: (ready: UpReady) => void | Promise<void>;
  /** Tells the story of a change from commit to production; without it only the servers run. */
  readonly story?: StoryRequest;
}

export interface StoryRequest extends Pick<TellStory, 'env' | 'onEvent' | 'example'> {
  /** End when the story is told, with its failure when a promise did not hold. */
  readonly only: boolean;
}

/** What now runs on this machine. */
export interface UpReady {
  readonly registry: string;
  readonly data: string;
  /** An image to play with. */
  readonly sample: string;
  readonly digest: string;
  /** The folder of the local Sigstore. */
  readonly sigstore: string;
  /** Who signed the sample; absent when that did not work, which is reported. */
  readonly signer?: SampleSigner;
  /** Set when the wanted port was taken. */
  readonly insteadOf?: string;
  /** What the story left behind: its folder and the repositories that now are served. */
  readonly story?: {
    readonly folder: string;
    readonly git: string;
    readonly claims: number;
    readonly stranger: string;
  };
}

/** Everything that cg can run on one machine, until the signal: a registry with a signed sample, and a Sigstore. */
export async function up(request: UpRequest): Promise<void> {
  const sigstore = await openUpSigstore(sigstoreOf(request));
  const running = new RunningUp(request);
  try {
    await running.serve(request.addr);
  } catch (error) {
    if (!hasCode(error, 'REGISTRY_ADDRESS_REFUSED')) throw error;
    await running.serve('127.0.0.1:0', request.addr);
  } finally {
    await running.close();
    await sigstore?.close();
  }
}

function sigstoreOf({ data, sigstoreData }: UpRequest): string {
  return sigstoreData ?? join(data, 'sigstore', 'local');
}

class RunningUp {
  readonly #request: UpRequest;
  /** Ends everything once the story is told, where that was all that was wanted. */
  readonly #told = new AbortController();
  #git: GitServer | undefined;
  #failure: unknown;

  constructor(request: UpRequest) {
    this.#request = request;
  }

  async serve(addr: string, insteadOf?: string): Promise<void> {
    const { onReady, story: _story, ...request } = this.#request;
    await serveRegistry({
      ...request,
      signal: AbortSignal.any([request.signal, this.#told.signal]),
      data: join(request.data, 'registry'),
      addr,
      onReady: async registry => {
        const ready = await this.#prepare(registry.url, insteadOf);
        const story = await this.#tell(ready);
        if (this.#failure === undefined) await onReady({ ...ready, ...(story !== undefined && { story }) });
        if (this.#request.story?.only === true) this.#told.abort();
      },
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await this.#git?.close();
  }

  async #prepare(registry: string, insteadOf: string | undefined): Promise<UpReady> {
    const { signal, data } = this.#request;
    const sample = `${new URL(registry).host}/sample/hello:1`;
    const digest = await reachRegistries({ env: {}, signal }, [], async access =>
      pushSampleImage((await open(sample, access, { to: 'write' })).registry, '1', signal),
    );
    const sigstore = sigstoreOf(this.#request);
    const signer = await trySigning(sample, sigstore, this.#request);
    return {
      registry,
      data,
      sample,
      digest,
      sigstore,
      ...(signer !== undefined && { signer }),
      ...(insteadOf !== undefined && { insteadOf }),
    };
  }

  /** A story that breaks is an error where it was all that was wanted; else what runs goes on running. */
  async #tell(ready: UpReady): Promise<UpReady['story']> {
    const { story, data, signal, version = '', onProblem } = this.#request;
    if (story === undefined || ready.signer === undefined) return undefined;
    const folder = join(data, 'bookstore');
    try {
      const told = await tellStory({
        ...story,
        folder,
        host: new URL(ready.registry).host,
        sigstore: ready.sigstore,
        issuer: ready.signer.issuer,
        version,
        signal,
      });
      this.#git = told.git;
      return { folder, git: told.git.url, claims: told.claims.length, stranger: told.stranger };
    } catch (error) {
      signal.throwIfAborted();
      if (story.only) this.#failure = error;
      else onProblem?.(error);
      return undefined;
    }
  }
}

/** A sample without a signature is still a sample. */
async function trySigning(
  sample: string,
  sigstore: string,
  { signal, onProblem }: Pick<UpRequest, 'signal' | 'onProblem'>,
): Promise<SampleSigner | undefined> {
  try {
    return await signSample(sample, sigstore, signal);
  } catch (error) {
    onProblem?.(error);
    return undefined;
  }
}
