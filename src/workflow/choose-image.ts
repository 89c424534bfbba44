import { Fault } from '../ground/fault/fault.ts';
import { parseContent } from '../image/oci/content.ts';
import { findPlatform, matchesPlatform, platformsOf } from '../image/oci/platform.ts';
import type { Call, Manifest, Registry } from '../image/oci/registry.ts';
import type { Descriptor, Platform } from '../model/descriptor.ts';
import { toPlatform } from './reach-registries.ts';

const deepest = 4;

/** What people say instead of a platform, when an image has several and none was named. */
export type OnChoice = (chosen: string, others: readonly string[]) => void;

/** The one image that is meant: of an index the platform that was named, this machine's, or the only one. */
export async function chooseImage(
  registry: Registry,
  root: Manifest,
  platform: string | undefined,
  o: Call & { readonly onChoice?: OnChoice } = {},
): Promise<Manifest> {
  let manifest = root;
  for (let depth = 0; depth < deepest; depth++) {
    const content = parseContent(manifest);
    if (content.kind !== 'index') return manifest;
    const entry =
      platform === undefined
        ? chooseEntry(registry, content.manifests, o.onChoice)
        : findEntry(registry, content.manifests, platform);
    manifest = await registry.manifest(entry.digest, o);
  }
  throw new Fault('UNSUPPORTED', {
    what: `${registry.place} has indexes nested too deeply`,
    where: registry.place,
  });
}

export function findEntry(registry: Registry, entries: readonly Descriptor[], platform: string): Descriptor {
  const found = findPlatform(entries, toPlatform(platform));
  if (found !== undefined) return found;
  const offered = platformsOf(entries).join(', ');
  throw new Fault('NOT_FOUND', {
    what: `${registry.place} has no image for ${platform}`,
    where: registry.place,
    expected: platform,
    actual: offered || 'no platforms',
    next: offered === '' ? 'leave --platform out' : `name one of these platforms: ${offered}`,
  });
}

function chooseEntry(
  registry: Registry,
  entries: readonly Descriptor[],
  onChoice: OnChoice | undefined,
): Descriptor {
  const offered = platformsOf(entries);
  const [only] = offered;
  if (only !== undefined && offered.length === 1) return findEntry(registry, entries, only);
  const bare = entries.filter(({ platform }) => platform === undefined);
  const [single] = bare;
  if (offered.length === 0 && bare.length === 1 && single !== undefined) return single;
  const here = findPlatform(entries, thisPlatform());
  const chosen = offered.find(name => matchesPlatform(thisPlatform(), toPlatform(name)));
  if (here === undefined || chosen === undefined) {
    throw new Fault('USAGE', {
      what: `${registry.place} has images for several platforms, and none for this machine`,
      where: registry.place,
      expected: `one of ${offered.join(', ') || 'no platforms'}`,
      actual: 'no --platform',
      next: `--platform ${only ?? 'linux/amd64'}`,
    });
  }
  onChoice?.(
    chosen,
    offered.filter(name => name !== chosen),
  );
  return here;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Containers run Linux, whatever this machine runs. */
function thisPlatform(): Platform {
  return { os: 'linux', architecture: architectures[process.arch] ?? process.arch };
}
