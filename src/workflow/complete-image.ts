import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { open, registriesOf, toLocation } from '../image/oci/open.ts';
import { isEvidenceTag } from '../image/oci/referrer-index.ts';
import { isLoopbackHost } from '../model/image-reference.ts';
import { listLogins } from './list-logins.ts';
import { type ReachOptions, reachRegistries } from './reach-registries.ts';

const most = 200;

/** What an image reference that is being typed may go on with: hosts, repositories and tags, or tags of a layout. */
export async function completeImage(
  prefix: string,
  cwd: string,
  o: ReachOptions,
): Promise<readonly string[]> {
  if (prefix.startsWith('oci:')) return await completeLayout(prefix, cwd, o);
  const slash = prefix.indexOf('/');
  if (slash === -1) {
    const hosts = await listLogins(o.env);
    return [...hosts.map(host => `${host}/`), 'oci:', 'oci-archive:', 'docker-archive:'];
  }
  const host = prefix.slice(0, slash);
  const colon = prefix.indexOf(':', slash);
  if (colon !== -1)
    return (await tagsOf(prefix.slice(0, colon), o)).map(tag => `${prefix.slice(0, colon)}:${tag}`);
  // A list of all repositories is a thing of small registries; the large ones refuse it, or it never ends.
  return isLoopbackHost(host) ? (await repositoriesOf(host, o)).map(name => `${host}/${name}`) : [];
}

async function completeLayout(prefix: string, cwd: string, o: ReachOptions): Promise<readonly string[]> {
  const [, path = '', tag] = /^oci:(.*?)(?::([^:/]*))?$/s.exec(prefix) ?? [];
  if (tag !== undefined)
    return (await tagsOf(`oci:${resolve(cwd, path)}`, o)).map(name => `oci:${path}:${name}`);
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const entries = await readdir(resolve(cwd, folder === '' ? '.' : folder), { withFileTypes: true });
  return entries
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
    .slice(0, most)
    .map(entry => `oci:${folder}${entry.name}`);
}

async function tagsOf(place: string, o: ReachOptions): Promise<readonly string[]> {
  return await reachRegistries(o, registriesOf(toLocation(place)), async access => {
    const { registry } = await open(place, access, { to: 'write' });
    const tags: string[] = [];
    for await (const tag of registry.tags(o.signal === undefined ? {} : { signal: o.signal })) {
      // Evidence and lists of referrers live under tags of their own, which nobody types.
      if (isEvidenceTag(tag)) continue;
      tags.push(tag);
      if (tags.length >= most) break;
    }
    return tags;
  });
}

async function repositoriesOf(host: string, o: ReachOptions): Promise<readonly string[]> {
  return await reachRegistries(o, [host], async access => {
    const response = await access.session(host).call({
      path: `_catalog?n=${most}`,
      repository: '',
      actions: 'none',
      what: `the repositories of ${host}`,
      accept: [200],
      ...(o.signal !== undefined && { signal: o.signal }),
    });
    const page = await readCatalog(response.body);
    return page.filter(name => /^[a-z0-9][a-z0-9._/-]*$/.test(name)).slice(0, most);
  });
}

const largestPage = 1024 * 1024;

async function readCatalog(body: AsyncIterable<Uint8Array>): Promise<string[]> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > largestPage) return [];
    chunks.push(chunk);
  }
  const { repositories } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { repositories?: unknown };
  return Array.isArray(repositories) ? repositories.filter(name => typeof name === 'string') : [];
}
