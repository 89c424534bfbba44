import type { LogEntry } from '../bundle/bundle.ts';
import { parseEntry } from '../bundle/parse-bundle.ts';
import { Fields } from '../json/fields.ts';
import { type JsonObject, parseStrictJson } from '../json/strict-json.ts';
import type { Http, HttpReply, ServiceCall } from './http.ts';
import { refusedBy, unreadableReply } from './refused.ts';

export interface LogService {
  readonly http: Http;
  readonly url: string;
}

const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
const service = 'transparency log';

/** Adds an entry to Rekor 1; an entry that is there already is as good as a new one. */
export async function addToFirstRekor(
  log: LogService,
  entry: JsonObject,
  o: ServiceCall = {},
): Promise<LogEntry> {
  const url = `${log.url}/api/v1/log/entries`;
  const reply = await log.http({ method: 'POST', url, headers, body: JSON.stringify(entry) }, o);
  if (reply.status === 409) return await getKnownEntry(log, url, reply, o);
  if (reply.status !== 201) throw refusedBy(service, url, reply);
  return readFirst(url, reply);
}

/** Adds an entry to Rekor 2, which answers when the entry is in a published checkpoint. */
export async function addToSecondRekor(
  log: LogService,
  entry: JsonObject,
  o: ServiceCall = {},
): Promise<LogEntry> {
  const url = `${log.url}/api/v2/log/entries`;
  const reply = await log.http({ method: 'POST', url, headers, body: JSON.stringify(entry) }, o);
  if (reply.status !== 201 && reply.status !== 200) throw refusedBy(service, url, reply);
  try {
    return parseEntry(new Fields(parseStrictJson(reply.body), ''));
  } catch (cause) {
    throw unreadableReply(service, url, cause);
  }
}

async function getKnownEntry(
  log: LogService,
  url: string,
  conflict: HttpReply,
  o: ServiceCall,
): Promise<LogEntry> {
  const location = new URL(conflict.headers['location'] ?? '', url);
  if (location.origin !== new URL(log.url).origin) throw refusedBy(service, url, conflict);
  const reply = await log.http({ method: 'GET', url: location.href, headers: { Accept: headers.Accept } }, o);
  if (reply.status !== 200) throw refusedBy(service, location.href, reply);
  return readFirst(location.href, reply);
}

function readFirst(url: string, reply: HttpReply): LogEntry {
  try {
    const entries = Object.values(parseStrictJson(reply.body) as JsonObject);
    if (entries.length !== 1) throw new Error('not exactly one entry');
    return entryFromFirstRekor(new Fields(entries[0], ''));
  } catch (cause) {
    throw unreadableReply(service, url, cause);
  }
}

/** Re-encodes an entry of the first API as bundles hold it. */
function entryFromFirstRekor(entry: Fields): LogEntry {
  const body = entry.bytes('body');
  const described = new Fields(parseStrictJson(body), 'body');
  const verification = entry.object('verification');
  const proof = verification.object('inclusionProof');
  return {
    logIndex: entry.count('logIndex'),
    logId: entry.hex('logID'),
    kind: described.text('kind'),
    version: described.text('apiVersion'),
    integratedTime: entry.count('integratedTime'),
    promise: verification.bytes('signedEntryTimestamp'),
    proof: {
      logIndex: proof.count('logIndex'),
      rootHash: proof.hex('rootHash'),
      treeSize: proof.count('treeSize'),
      hashes: proof.list('hashes', 64).map(hash => new Fields({ hash }, '').hex('hash')),
      checkpoint: proof.text('checkpoint'),
    },
    body,
  };
}
