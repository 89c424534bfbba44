import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedCache } from '../../ground/store/user-folders.ts';
import { formatDuration } from '../../ground/terminal/amounts.ts';
import type { Finding, Machine } from './finding.ts';

const day = 24 * 3_600_000;
/** Older data makes a gate indeterminate. */
const tooOld = 5 * day;

/** How old the advisory data of each scanner is; a scanner with old data finds old flaws only. */
export async function checkScannerData(machine: Machine): Promise<readonly Finding[]> {
  const cache = sharedCache(machine.env);
  const trivy = machine.env.TRIVY_CACHE_DIR || join(cache, 'trivy');
  const grype = machine.env.GRYPE_DB_CACHE_DIR || join(cache, 'grype', 'db');
  return (
    await Promise.all([
      checkAge(
        'trivy data',
        join(trivy, 'db', 'metadata.json'),
        ['UpdatedAt'],
        'trivy image --download-db-only',
        machine,
      ),
      checkAge(
        'grype data',
        join(grype, '6', 'import.json'),
        ['built', 'timestamp'],
        'grype db update',
        machine,
      ),
    ])
  ).flat();
}

async function checkAge(
  check: string,
  file: string,
  keys: readonly string[],
  fix: string,
  machine: Machine,
): Promise<readonly Finding[]> {
  const area = 'scanners';
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return [{ area, check, health: 'missing', found: `no data at ${file}`, fix }];
  const built = readTime(text, keys);
  if (built === undefined) return [{ area, check, health: 'broken', found: `${file} has no date`, fix }];
  const age = machine.clock.now().getTime() - built.getTime();
  const found = `of ${built.toISOString().slice(0, 10)}, ${age < day ? formatDuration(age) : `${Math.floor(age / day)} days`} old`;
  return [
    age > tooOld ? { area, check, health: 'broken', found, fix } : { area, check, health: 'ok', found },
  ];
}

function readTime(text: string, keys: readonly string[]): Date | undefined {
  try {
    const json = JSON.parse(text) as Record<string, unknown>;
    const value = keys.map(key => json[key]).find(found => typeof found === 'string');
    const time = new Date(String(value));
    return Number.isNaN(time.getTime()) ? undefined : time;
  } catch {
    return undefined;
  }
}
