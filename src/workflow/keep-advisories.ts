import { resolve } from 'node:path';
import type { Environment } from '../ground/http/proxy.ts';
import type { Clock } from '../model/clock.ts';
import { AdvisoryDatabase } from '../risk/advisories/database.ts';
import { importSources } from '../risk/advisories/import-sources.ts';
import { defaultScanPolicy } from '../risk/scan/policy.ts';
import { advisoryFolder } from './scan/open-engines.ts';

export interface AdvisoryPlace {
  readonly env: Environment;
  readonly cwd: string;
  readonly clock: Clock;
  /** Where the index is kept, when not in the cache of this user. */
  readonly database?: string;
  readonly signal?: AbortSignal;
}

export interface AdvisoryStatus {
  readonly folder: string;
  /** False where nothing was ever imported. */
  readonly present: boolean;
  readonly digest?: string;
  readonly size?: number;
  readonly lineage?: readonly string[];
  /** How far the data reach. */
  readonly builtAt?: string;
  readonly ageHours?: number;
  readonly importedAt?: string;
  readonly advisories?: number;
  readonly feeds?: Readonly<Record<string, number>>;
  readonly sources?: readonly { readonly name: string; readonly digest: string; readonly records: number }[];
}

/** Replaces the advisories of this machine by those of the sources; what was there stays until all is read. */
export async function importAdvisories(
  o: AdvisoryPlace & { readonly sources: readonly string[]; readonly asOf?: Date },
): Promise<AdvisoryStatus & { readonly problems: readonly string[] }> {
  const { bytes, sources } = await importSources({
    sources: o.sources.map(source => resolve(o.cwd, source)),
    ...(o.asOf !== undefined && { asOf: o.asOf }),
    ...(o.signal !== undefined && { signal: o.signal }),
  });
  const database = new AdvisoryDatabase(folderOf(o));
  await database.install(bytes, o.clock.now());
  const status = await showAdvisories(o);
  return { ...status, problems: [...sources.flatMap(({ problems }) => problems), ...problemOfAge(status)] };
}

/** Old data find old flaws only; a scan with them gives no verdict, and it is better to hear that now. */
function problemOfAge({ builtAt, ageHours = 0 }: AdvisoryStatus): readonly string[] {
  const limit = defaultScanPolicy.maxDbAge / 3_600_000;
  if (builtAt === undefined || ageHours <= limit) return [];
  const days = (hours: number) => `${Math.floor(hours / 24)} days`;
  return [
    `these advisories reach to ${builtAt.slice(0, 10)}, ${days(ageHours)} ago: with data older than ${days(limit)} a scan gives no verdict; import newer ones, or say with --as-of that little has changed`,
  ];
}

/** What is there, where it comes from and how old it is; checked against its digest. */
export async function showAdvisories(o: AdvisoryPlace): Promise<AdvisoryStatus> {
  const folder = folderOf(o);
  const database = new AdvisoryDatabase(folder);
  const [pointer, opened] = [await database.pointer(), await database.open()];
  if (pointer === undefined || opened === undefined) return { folder, present: false };
  const { lineage, builtAt, advisories, feeds, sources } = opened.index.description;
  opened.index.close();
  const age = o.clock.now().getTime() - Date.parse(builtAt);
  return {
    folder,
    present: true,
    digest: pointer.digest,
    size: pointer.size,
    lineage,
    builtAt,
    ageHours: Math.floor(age / 3_600_000),
    importedAt: pointer.importedAt,
    advisories,
    feeds,
    sources,
  };
}

function folderOf({ database, cwd, env }: AdvisoryPlace): string {
  return database === undefined ? advisoryFolder(env) : resolve(cwd, database);
}
