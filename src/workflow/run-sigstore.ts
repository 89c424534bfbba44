import { rm } from 'node:fs/promises';
import { writeFileAtomically } from '../ground/store/atomic-file.ts';
import { type ServedSigstore, type ServeSigstore, serveSigstore } from './serve-sigstore.ts';

export interface RunSigstore extends ServeSigstore {
  readonly signal: AbortSignal;
  readonly readyFile?: string;
  readonly onReady?: (sigstore: ServedSigstore) => void;
}

/** Serves a local Sigstore until the signal. */
export async function runSigstore({ signal, readyFile, onReady, ...o }: RunSigstore): Promise<void> {
  const sigstore = await serveSigstore(o);
  try {
    if (readyFile !== undefined) {
      const { url, folder, issuer } = sigstore;
      await writeFileAtomically(readyFile, `${JSON.stringify({ url, issuer, pid: process.pid, folder })}\n`);
    }
    onReady?.(sigstore);
    await untilAborted(signal);
  } finally {
    if (readyFile !== undefined) await rm(readyFile, { force: true });
    await sigstore.close();
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
