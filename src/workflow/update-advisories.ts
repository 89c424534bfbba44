import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Fault, FaultList } from '../ground/fault/fault.ts';
import { redactUrl } from '../ground/http/redact-url.ts';
import type { RegistryAccess } from '../image/oci/access.ts';
import { open, registriesOf, toLocation } from '../image/oci/open.ts';
import type { Clock } from '../model/clock.ts';
import { AdvisoryDatabase } from '../risk/advisories/database.ts';
import { importSources } from '../risk/advisories/import-sources.ts';
import { type AdvisoryStatus, showAdvisories } from './keep-advisories.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';
import { fetchTrivyDb } from './scan/fetch-trivy-db.ts';
import { advisoryFolder } from './scan/open-engines.ts';

export interface UpdateAdvisories extends ReachOptions {
  readonly cwd: string;
  readonly clock: Clock;
  /** Images with a Trivy database, each a mirror of the others, or addresses of zips of OSV records, which add up. */
  readonly from?: readonly string[];
  readonly database?: string;
  readonly onNote?: (text: string) => void;
}

export interface UpdatedAdvisories extends AdvisoryStatus {
  /** False when what was fetched is what was there. */
  readonly updated: boolean;
  readonly problems: readonly string[];
}

export const trivyMirrors: readonly string[] = [
  'mirror.gcr.io/aquasec/trivy-db:2',
  'ghcr.io/aquasecurity/trivy-db:2',
];

const largestZip = 4 * 1024 * 1024 * 1024;

/** Fetches advisories and makes them count. Whatever fails, what was there stays. */
export async function updateAdvisories(o: UpdateAdvisories): Promise<UpdatedAdvisories> {
  const from = o.from === undefined || o.from.length === 0 ? trivyMirrors : o.from;
  const addresses = from.filter(isAddress);
  if (addresses.length > 0 && addresses.length < from.length) {
    throw new Fault('USAGE', {
      what: 'images and addresses of zips cannot be mixed',
      next: 'cg db update --from IMAGE, or --from https://…/all.zip',
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'cg-advisories-'));
  try {
    const images = addresses.length > 0 ? [] : from.map(text => ({ text, location: toLocation(text) }));
    const sources = await reachRegistries(
      o,
      images.flatMap(({ location }) => registriesOf(location)),
      async access =>
        addresses.length > 0
          ? await fetchZips(addresses, folder, access, o)
          : [await fetchFromMirrors(from, folder, access, o)],
    );
    return await install(sources, o);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function install(sources: readonly string[], o: UpdateAdvisories): Promise<UpdatedAdvisories> {
  const place = o.database === undefined ? advisoryFolder(o.env) : resolve(o.cwd, o.database);
  const database = new AdvisoryDatabase(place);
  const imported = await importSources({ sources, ...(o.signal !== undefined && { signal: o.signal }) });
  const before = await database.pointer().catch(() => undefined);
  await database.install(imported.bytes, o.clock.now());
  const after = await showAdvisories({ ...o, database: place });
  const problems = imported.sources.flatMap(source => source.problems);
  return { ...after, updated: before?.digest !== after.digest, problems };
}

/** The first mirror that delivers; a limit of one registry is no reason to stop everybody's work. */
async function fetchFromMirrors(
  mirrors: readonly string[],
  folder: string,
  access: RegistryAccess,
  o: UpdateAdvisories,
): Promise<string> {
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const faults: Fault[] = [];
  for (const [at, mirror] of mirrors.entries()) {
    // Its name becomes part of the index, and is the same whichever mirror delivers.
    const target = join(folder, String(at), 'trivy-db');
    await mkdir(target, { recursive: true });
    try {
      const { registry, reference } = await open(mirror, access, call);
      await fetchTrivyDb(registry, reference, target, call);
      return target;
    } catch (error) {
      o.signal?.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      faults.push(error);
      if (at + 1 < mirrors.length) o.onNote?.(`${mirror}: ${error.message}; trying ${mirrors[at + 1]}`);
    }
  }
  const [only] = faults;
  if (faults.length === 1 && only !== undefined) throw only;
  throw new FaultList(
    'NETWORK',
    { what: 'no mirror delivered the advisories; those that were here stay' },
    faults,
  );
}

async function fetchZips(
  addresses: readonly string[],
  folder: string,
  { http }: RegistryAccess,
  o: UpdateAdvisories,
): Promise<string[]> {
  const paths: string[] = [];
  for (const [at, address] of addresses.entries()) {
    const url = new URL(address);
    if (url.protocol !== 'https:' && !http.mayUseHttp(url.host)) {
      throw new Fault('USAGE', { what: 'advisories are fetched over https', where: redactUrl(url) });
    }
    const response = await http.request({
      url,
      what: 'the advisories',
      ...(o.signal !== undefined && { signal: o.signal }),
    });
    if (response.status !== 200) {
      response.discard();
      throw new Fault('NETWORK', {
        what: 'the advisories were not delivered',
        where: redactUrl(url),
        actual: `status ${response.status}`,
      });
    }
    const path = join(
      folder,
      String(at),
      url.pathname
        .slice(1)
        .replace(/[^A-Za-z0-9._-]+/g, '_')
        .slice(-100),
    );
    await mkdir(join(folder, String(at)));
    await pipeline(Readable.from(bounded(response.body, redactUrl(url))), createWriteStream(path));
    paths.push(path);
  }
  return paths;
}

async function* bounded(body: AsyncIterable<Buffer>, where: string): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > largestZip) throw new Fault('LIMIT_EXCEEDED', { what: 'the advisories are too large', where });
    yield piece;
  }
}

function isAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}
