import type { Cataloguer, FileFindings, FoundPackage } from '../cataloguer.ts';
import { ElfWindows } from '../readers/elf-windows.ts';
import { type GoBuildInfo, type GoModule, readGoBuildInfo } from '../readers/go-build-info.ts';

const smallest = 64 * 1024;

/** Programs that Go has built, with the modules that are built in. */
export const goBinary: Cataloguer = {
  id: 'go-binary',
  open(file) {
    // Any executable may be one, and so may a plug-in without the bit; no Go program is smaller.
    if (file.size < smallest) return undefined;
    const windows = new ElfWindows();
    return {
      write: piece => windows.write(piece),
      end: () => readWindows(windows),
    };
  },
};

function readWindows(windows: ElfWindows): FileFindings {
  const [block] = windows.isElf ? windows.blocks() : [];
  if (block !== undefined) return { packages: listModules(readGoBuildInfo(block)) };
  return windows.hasTooManyBlocks ? { problems: ['too much that looks like build information of Go'] } : {};
}

export function listModules(info: GoBuildInfo): FoundPackage[] {
  const main = info.main === undefined ? [] : [{ ...info.main, version: mainVersion(info) }];
  const all = [...main, ...info.dependencies].filter(({ path }) => path !== '');
  const modules = all.map(toPackage);
  return [...modules, { type: 'golang', name: 'stdlib', version: info.goVersion }];
}

/** `(devel)` says nothing; the commit it was built from does. */
function mainVersion({ main, settings }: GoBuildInfo): string {
  if (main?.version !== '(devel)' && main?.version) return main.version;
  return settings.get('vcs.revision') ?? '';
}

/** A module's purl has its path above the last element as the namespace. */
function toPackage({ path, version }: GoModule): FoundPackage {
  const slash = path.lastIndexOf('/');
  return {
    type: 'golang',
    ...(slash > 0 && { namespace: path.slice(0, slash) }),
    name: path.slice(slash + 1),
    version: version === '(devel)' ? '' : version,
  };
}
