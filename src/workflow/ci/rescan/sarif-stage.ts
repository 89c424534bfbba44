import { join, resolve } from 'node:path';
import {
  readGithubPlace,
  readSarifStatus,
  type SarifStatus,
  uploadSarif,
} from '../../../delivery/forge/github-findings.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import type { HttpClient } from '../../../ground/http/client.ts';
import { readRegularFile } from '../../../ground/store/regular-file.ts';
import { type ReachOptions, reachRegistries } from '../../reach-registries.ts';
import { readRescanReport } from './rescan-report.ts';

export interface SarifStage extends ReachOptions {
  readonly cwd: string;
  /** What cg ci rescan left. */
  readonly folder: string;
}

export interface UploadedSarif {
  readonly uploaded: readonly {
    /** Its category: what one of them does not have any more, GitHub closes. */
    readonly repository: string;
    readonly id: string;
    readonly status: SarifStatus;
  }[];
  /** Of which something that runs could not be verified or scanned; nothing was uploaded, so nothing is closed. */
  readonly incomplete: readonly string[];
}

const largestSarif = 256 * 1024 * 1024;
const mostLooks = 12;
const pause = 5_000;

/** Tells GitHub what the night found: each repository of images is a category of its own. */
export async function sarifStage(o: SarifStage): Promise<UploadedSarif> {
  const folder = resolve(o.cwd, o.folder);
  const { images, sarif } = await readRescanReport(folder);
  const place = readGithubPlace(o.env);
  const told = new Set(sarif.map(({ repository }) => repository));
  const incomplete = images
    .filter(({ image }) => !told.has(image.replace(/@.*$/, '')))
    .map(({ image }) => image);
  return await reachRegistries(o, [], async ({ http }) => {
    const call = (repository: string) => ({
      name: repository,
      ...(o.signal !== undefined && { signal: o.signal }),
    });
    const sent: { repository: string; id: string }[] = [];
    for (const { repository, file } of sarif) {
      const text = await readSarif(join(folder, file));
      sent.push({ repository, id: await uploadSarif(text, place, http, call(repository)) });
    }
    const uploaded = [];
    for (const one of sent) {
      const look = async () => await readSarifStatus(one.id, place, http, call(one.repository));
      uploaded.push({ ...one, status: await waitFor(look, http, o) });
    }
    return { uploaded, incomplete };
  });
}

/** GitHub takes its time; what it still looks at after a minute is said to be so. */
async function waitFor(
  look: () => Promise<SarifStatus>,
  { timing }: HttpClient,
  { signal }: SarifStage,
): Promise<SarifStatus> {
  for (let looks = 1; ; looks++) {
    const status = await look();
    if (status !== 'pending' || looks === mostLooks) return status;
    await timing.sleep(pause, signal);
  }
}

async function readSarif(path: string): Promise<string> {
  const bytes = await readRegularFile(path, largestSarif);
  if (bytes !== undefined) return bytes.toString('utf8');
  throw new Fault('LIMIT_EXCEEDED', { what: 'the file is too large', where: path });
}
