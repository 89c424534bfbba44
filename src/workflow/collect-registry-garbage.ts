import { stat } from 'node:fs/promises';
import { Fault, hasCode } from '../ground/fault/fault.ts';
import { defaultLimits } from '../image/oci/server/service.ts';
import { type Collected, collectGarbage } from '../image/oci/server/storage/garbage.ts';
import { RegistryStore } from '../image/oci/server/storage/registry-store.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import { defaultRegistryFolder } from './serve-registry.ts';

export interface CollectRegistryGarbageRequest {
  readonly data?: string;
  /** Also remove manifests that no tag, index or referrer leads to. */
  readonly untagged?: boolean;
  /** How long what is unreachable stays, in milliseconds; a day when it is not given. */
  readonly grace?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

const day = 24 * 3_600_000;

/** Collects garbage in a data folder that nobody serves. A registry that runs does it by itself. */
export async function collectRegistryGarbage(request: CollectRegistryGarbageRequest): Promise<Collected> {
  const data = request.data ?? defaultRegistryFolder();
  const grace = request.grace ?? day;
  await requireFolder(data);
  const store = await openAlone(data, grace, request.clock ?? systemClock);
  try {
    const { untagged, signal } = request;
    return await collectGarbage(store, {
      grace,
      // Nobody serves the folder, so nobody goes on with an upload meanwhile.
      uploadAge: grace,
      ...(untagged !== undefined && { untagged }),
      ...(signal && { signal }),
    });
  } finally {
    store.close();
  }
}

async function openAlone(data: string, grace: number, clock: Clock): Promise<RegistryStore> {
  try {
    return await RegistryStore.open({
      ...defaultLimits,
      data,
      purpose: 'cg registry gc',
      clock,
      grace,
      readOnly: false,
    });
  } catch (error) {
    if (!hasCode(error, 'FOLDER_IN_USE')) throw error;
    throw new Fault('FOLDER_IN_USE', {
      what: error.message,
      where: data,
      ...(error.expected !== undefined && { expected: error.expected }),
      ...(error.actual !== undefined && { actual: error.actual }),
      next: 'let the registry that runs do it: start it with --gc-interval 6h, or send it SIGUSR2 to collect now',
      cause: error,
    });
  }
}

/** A misspelt folder must not be made and found clean. */
async function requireFolder(data: string): Promise<void> {
  const found = await stat(data).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new Fault('FILE_MISSING', { what: 'there is no such data folder', where: data });
}
