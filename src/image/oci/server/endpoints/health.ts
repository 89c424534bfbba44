import { statfs } from 'node:fs/promises';
import type { Exchange } from '../http/exchange.ts';
import type { Service } from '../service.ts';
import type { Quota } from '../storage/quota.ts';

/** Less than this and the next push of an ordinary layer fails. */
const lowSpace = 64 * 1024 * 1024;

export async function showHealth(service: Service, exchange: Exchange): Promise<void> {
  const { store, counts } = service;
  const freeBytes = await freeBytesOf(store.layout.root);
  const isHealthy = freeBytes !== undefined;
  const now = service.clock.now();
  exchange.json(
    isHealthy ? 200 : 503,
    {
      status: isHealthy ? (isTight(freeBytes, store.quota) ? 'low-space' : 'ok') : 'data-folder-unreachable',
      version: service.version,
      time: now.toISOString(),
      uptimeSeconds: Math.floor((now.getTime() - service.startedAt) / 1000),
      readOnly: service.readOnly,
      data: {
        freeBytes: freeBytes ?? null,
        usedBytes: store.quota.used,
        quotaBytes: store.quota.limit ?? null,
      },
      counts: { requests: counts.requests, running: counts.running, openUploads: store.uploads.count },
    },
    { 'cache-control': 'no-store' },
  );
}

/** Of a small quota a tenth is as little as this much of a disk. */
function isTight(freeBytes: number, { limit, used }: Quota): boolean {
  return freeBytes < lowSpace || (limit !== undefined && limit - used < Math.min(lowSpace, limit / 10));
}

async function freeBytesOf(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
