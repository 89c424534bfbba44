import { join } from 'node:path';
import { hasCode } from '../../ground/fault/fault.ts';
import { open } from '../../image/oci/open.ts';
import { reachRegistries } from '../reach-registries.ts';
import { type ServeRegistryRequest, serveRegistry } from '../serve-registry.ts';
import { pushSampleImage } from './sample-image.ts';

export interface UpRequest
  extends Pick<ServeRegistryRequest, 'readyFile' | 'clock' | 'version' | 'onProblem'> {
  readonly data: string;
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
  /** Set when the wanted port was taken. */
  readonly insteadOf?: string;
}

/** Everything that cg can run on one machine, until the signal: a registry, and in it a sample image. */
export async function up(request: UpRequest): Promise<void> {
  try {
    await serve(request, request.addr);
  } catch (error) {
    if (!hasCode(error, 'REGISTRY_ADDRESS_REFUSED')) throw error;
    await serve(request, '127.0.0.1:0', request.addr);
  }
}

async function serve({ onReady, ...request }: UpRequest, addr: string, insteadOf?: string): Promise<void> {
  await serveRegistry({
    ...request,
    data: join(request.data, 'registry'),
    addr,
    onReady: async registry => {
      const sample = `${new URL(registry.url).host}/sample/hello:1`;
      const digest = await reachRegistries({ env: {}, signal: request.signal }, async access =>
        pushSampleImage((await open(sample, access, { to: 'write' })).registry, '1', request.signal),
      );
      await onReady({
        registry: registry.url,
        data: request.data,
        sample,
        digest,
        ...(insteadOf !== undefined && { insteadOf }),
      });
    },
  });
}
