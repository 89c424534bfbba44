import { Fault } from '../../../ground/fault/fault.ts';
import { parseImageReference } from '../../../model/image-reference.ts';
import { digestOf, readJsonFile } from '../handover.ts';

/** What cg ci collect and cg ci resolve leave. */
export interface Release {
  readonly images: readonly { readonly image: string; readonly ref: string }[];
}

/** The digests of a release. */
export async function readRelease(file: string): Promise<readonly string[]> {
  const { images } = (await readJsonFile(file)) as Partial<Release>;
  if (!Array.isArray(images) || images.length === 0 || images.some(one => typeof one?.ref !== 'string'))
    throw new Fault('FILE_INVALID', {
      what: 'this is not what cg ci collect or cg ci resolve leaves',
      where: file,
    });
  const refs = images.map(({ ref }) => ref);
  refuseTwoDigests(refs, file);
  return refs;
}

/** A digest in this repository, and nothing that only looks like one. */
export function isDigestIn(repository: string, ref: unknown): ref is string {
  return (
    typeof ref === 'string' &&
    ref.startsWith(`${repository}@`) &&
    /^sha256:[0-9a-f]{64}$/.test(ref.slice(repository.length + 1))
  );
}

/** A repository has one digest in a release; of two, one would win in an environment and nobody says which. */
export function refuseTwoDigests(refs: readonly string[], where: string): void {
  const parts = refs.map(ref => ({ ref, digest: digestOf(ref), repository: repositoryOf(ref) }));
  for (const [index, one] of parts.entries()) {
    const other = parts
      .slice(0, index)
      .find(({ repository, digest }) => digest !== one.digest && repository === one.repository);
    if (other === undefined) continue;
    throw new Fault('RESULTS_UNTRUSTED', {
      what: `two digests of ${one.repository} in one release`,
      where,
      expected: 'one digest for each repository',
      actual: `${other.ref}, ${one.ref}`,
    });
  }
}

/** Spelt in full: Docker's short names are names of the same. */
function repositoryOf(ref: string): string {
  const parsed = parseImageReference(ref);
  if ('value' in parsed) return `${parsed.value.registry}/${parsed.value.repository}`;
  throw new Fault('REFERENCE_INVALID', { what: parsed.problem, actual: ref.slice(0, 300) });
}
