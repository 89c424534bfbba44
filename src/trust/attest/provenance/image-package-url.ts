import { formatImageReference, parseImageReference } from '../../../model/image-reference.ts';

/** An image as a package URL: `pkg:docker/library/node@22?platform=linux%2Famd64`; other registries are `pkg:oci`. */
export function imagePackageUrl(reference: string, platform: string | undefined): string {
  const parsed = parseImageReference(reference);
  if ('problem' in parsed) return reference;
  const { registry, repository, tag = 'latest', digest } = parsed.value;
  const qualifiers = new URLSearchParams();
  if (platform !== undefined) qualifiers.set('platform', platform);
  if (registry === 'docker.io') {
    return `pkg:docker/${repository.replace(/^library\//, '')}@${encodeURIComponent(tag)}${format(qualifiers)}`;
  }
  qualifiers.set('repository_url', formatImageReference({ registry, repository }));
  if (digest === undefined || parsed.value.tag !== undefined) qualifiers.set('tag', tag);
  qualifiers.sort();
  const name = repository.split('/').at(-1) ?? repository;
  return `pkg:oci/${name}${digest === undefined ? '' : `@${encodeURIComponent(digest)}`}${format(qualifiers)}`;
}

function format(qualifiers: URLSearchParams): string {
  return qualifiers.size === 0 ? '' : `?${qualifiers.toString()}`;
}
