import type { Descriptor } from '../../../../model/descriptor.ts';
import { mediaTypes } from '../../../../model/descriptor.ts';
import type { Digest } from '../../../../model/digest.ts';
import type { Exchange, Headers } from '../http/exchange.ts';
import { nextLink, pageOf, parsePageSize } from '../http/page.ts';
import { Refusal } from '../http/refusal.ts';
import type { Service } from '../service.ts';
import { listRepositories, repositoryExists } from '../storage/repository-names.ts';

/** Clients refuse manifests over 4 MiB, and a list of referrers is one. */
const referrersBytes = 3 * 1024 * 1024;

export async function listTags(service: Service, exchange: Exchange, repository: string): Promise<void> {
  const n = parsePageSize(exchange.query.get('n'));
  const tags = await service.store.tags.list(repository);
  if (tags.length === 0 && !(await repositoryExists(service.store.layout, repository))) {
    throw new Refusal(404, 'NAME_UNKNOWN', 'there is no such repository', { detail: { repository } });
  }
  const page = pageOf(tags, n, exchange.query.get('last'));
  sendList(
    service,
    exchange,
    { name: repository, tags: page.items },
    linkTo(`/v2/${repository}/tags/list`, n, page.next),
  );
}

export async function listCatalog(service: Service, exchange: Exchange): Promise<void> {
  const n = parsePageSize(exchange.query.get('n'));
  const names: string[] = [];
  for await (const name of listRepositories(service.store.layout)) {
    if (await repositoryExists(service.store.layout, name)) names.push(name);
  }
  names.sort();
  const page = pageOf(names, n, exchange.query.get('last'));
  sendList(service, exchange, { repositories: page.items }, linkTo('/v2/_catalog', n, page.next));
}

/** Always an index: that nothing refers to a subject, or that it is unknown, is an empty list. */
export async function listReferrers(
  service: Service,
  exchange: Exchange,
  repository: string,
  subject: Digest,
): Promise<void> {
  const type = exchange.query.get('artifactType');
  const last = exchange.query.get('last') ?? '';
  const manifests: Descriptor[] = [];
  let bytes = 0;
  let next: string | undefined;
  for await (const descriptor of service.store.manifests.referrers(repository, subject, last)) {
    if (type !== null && descriptor.artifactType !== type) continue;
    bytes += JSON.stringify(descriptor).length;
    if (bytes > referrersBytes && manifests.length > 0) {
      next = manifests.at(-1)?.digest;
      break;
    }
    manifests.push(descriptor);
  }
  const path = `/v2/${repository}/referrers/${subject}`;
  sendList(
    service,
    exchange,
    { schemaVersion: 2, mediaType: mediaTypes.index, manifests },
    {
      'content-type': mediaTypes.index,
      ...(type !== null && { 'oci-filters-applied': 'artifactType' }),
      ...(next !== undefined && {
        link: nextLink(path, { last: next, ...(type !== null && { artifactType: type }) }),
      }),
    },
  );
}

function sendList(service: Service, exchange: Exchange, value: unknown, headers: Headers): void {
  const body = Buffer.from(JSON.stringify(value));
  service.answers.take(body.length, exchange.response);
  exchange.bytes(200, body, { 'content-type': 'application/json', ...headers });
}

function linkTo(path: string, n: number | undefined, next: string | undefined): Record<string, string> {
  if (next === undefined) return {};
  return { link: nextLink(path, { ...(n !== undefined && { n: String(n) }), last: next }) };
}
