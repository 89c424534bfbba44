import { join } from 'node:path';
import { hasCode } from '../../ground/fault/fault.ts';
import { open } from '../../image/oci/open.ts';
import { reachRegistries } from '../reach-registries.ts';
import { type ServeRegistryRequest, serveRegistry } from '../serve-registry.ts';
import { pushSampleImage } from './sample-image.ts';
import { openUpSigstore, type SampleSigner, signSample } from './sign-sample.ts';

export interface UpRequest
  extends Pick<ServeRegistryRequest, 'readyFile' | 'clock' | 'version' | 'onProblem'> {
  readonly data: string;
  /** Where the local Sigstore keeps its keys; without it below the data. */
  readonly sigstoreData?: string;
  readonly addr: string;
  readonly signal: AbortSignal;
  readonly onReady: (ready: UpReady) => void | Promise<void>;
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
}

/** Everything that cg can run on one machine, until the signal: a registry with a signed sample, and a Sigstore. */
export async function up(request: UpRequest): Promise<void> {
  const sigstore = await openUpSigstore(sigstoreOf(request));
  try {
    await serve(request, request.addr);
  } catch (error) {
    if (!hasCode(error, 'REGISTRY_ADDRESS_REFUSED')) throw error;
    await serve(request, '127.0.0.1:0', request.addr);
  } finally {
    await sigstore?.close();
  }
}

function sigstoreOf({ data, sigstoreData }: UpRequest): string {
  return sigstoreData ?? join(data, 'sigstore', 'local');
}

async function serve({ onReady, ...request }: UpRequest, addr: string, insteadOf?: string): Promise<void> {
  await serveRegistry({
    ...request,
    data: join(request.data, 'registry'),
    addr,
    onReady: async registry => {
      const sample = `${new URL(registry.url).host}/sample/hello:1`;
      const digest = await reachRegistries({ env: {}, signal: request.signal }, [], async access =>
        pushSampleImage((await open(sample, access, { to: 'write' })).registry, '1', request.signal),
      );
      const sigstore = sigstoreOf({ ...request, onReady });
      const signer = await trySigning(sample, sigstore, request);
      await onReady({
        registry: registry.url,
        data: request.data,
        sample,
        digest,
        sigstore,
        ...(signer !== undefined && { signer }),
        ...(insteadOf !== undefined && { insteadOf }),
      });
    },
  });
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
