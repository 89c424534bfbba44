import { registryHttpContract } from '../contract/registry-http.ts';
import { startDockerRegistry } from '../docker-registry.ts';
import { findPeer } from '../peers.ts';

const program = findPeer('docker-registry');

registryHttpContract(program ? 'docker-registry 2.8' : 'docker-registry 2.8 [needs docker-registry]', {
  skip: program === undefined,
  start: () => startDockerRegistry(program ?? ''),
  differences: {
    'sha512 works for blobs and manifests': 'it stores sha256 only',
    'POST with digest and body stores a blob in one step':
      'it opens an upload instead, which the specification allows',
    'a chunk out of order is 416 and the upload goes on': 'it does not look at Content-Range',
    'a chunk whose range and length differ is 400 or 416': 'it does not look at Content-Range',
    'a blob can be mounted without saying from where':
      'it opens an upload instead, which the specification allows',
    'layers that live elsewhere need not be there': 'it answers 500',
    'If-Match on a tag is 412 unless it still points there': 'it has no conditional writes',
    'If-None-Match: * writes a tag only when it is new': 'it has no conditional writes',
    'of many writers with the same If-Match exactly one wins': 'it has no conditional writes',
    'a push by digest can set tags with ?tag=, and the answer lists them':
      'it is older than the tag parameter',
    'tags are listed in order of their bytes': 'it lists them in the order of its folder',
    'tags are paged with n and last, and Link leads through all of them': 'it does not page tags',
    'n=0 lists nothing': 'it does not page tags',
    'n that is no number is 400': 'it does not page tags',
    'a push with a subject is confirmed with OCI-Subject': 'it has no referrers',
    'referrers are listed with type, size and annotations, an image by the type of its config':
      'it has no referrers',
    'an index can be a referrer': 'it has no referrers',
    'referrers can be filtered by artifactType, and the answer says so': 'it has no referrers',
    'a subject may arrive after what refers to it, or never': 'it has no referrers',
    'referrers of what nothing refers to are an empty list': 'it has no referrers',
    'referrers of what is no digest are 400': 'it has no referrers',
    'a deleted referrer is no longer listed': 'it has no referrers',
    'deleting a tag keeps the manifest and the other tags': 'it deletes by digest only',
    'deleting what is not there is 404': 'it deletes by digest only',
    'a method that an endpoint does not have is 405 with Allow': 'it answers every method at /v2/',
    'names that are not legal are refused for reading and for writing':
      'it takes upper-case letters after the first component',
    'an upload that is none is 404': 'it redirects paths with dots',
    'a mount from an illegal name is refused, and of an illegal digest too': 'it opens an upload instead',
    'a path that is no endpoint is 404': 'it answers 200 at its root',
    'a manifest of more than 8 MiB is 413': 'it answers 400',
  },
});
