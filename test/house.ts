/**
 * The house: six floors, and imports only point down. This is the one place that says who may import whom;
 * ARCHITECTURE.md draws it and architecture.test.ts holds the code to it.
 */
export interface Wing {
  /** Folder below src, with a slash at the end; the longest match owns a file. */
  readonly folder: string;
  readonly floor: 1 | 2 | 3 | 4 | 5 | 6;
  readonly holds: string;
  /** Wings that it may import from. A folder allows everything below it. */
  readonly mayImport: readonly string[];
}

const everywhere = ['ground/', 'model/'];

export const house: readonly Wing[] = [
  { folder: 'model/', floor: 1, holds: 'pure types and functions', mayImport: ['model/'] },
  {
    folder: 'ground/',
    floor: 1,
    holds: 'fault, http, process, yaml, progress, log, store',
    mayImport: everywhere,
  },
  { folder: 'config/', floor: 2, holds: "the user's files", mayImport: everywhere },
  { folder: 'image/oci/', floor: 2, holds: 'registries and their content', mayImport: everywhere },
  { folder: 'image/dockerfile/', floor: 2, holds: 'what a Dockerfile says', mayImport: everywhere },
  {
    folder: 'image/build/',
    floor: 2,
    holds: 'building images',
    mayImport: [...everywhere, 'image/oci/', 'image/dockerfile/'],
  },
  {
    folder: 'image/sbom/',
    floor: 2,
    holds: 'what is inside an image',
    mayImport: [...everywhere, 'image/oci/'],
  },
  {
    folder: 'risk/',
    floor: 3,
    holds: 'what is wrong with images',
    mayImport: everywhere,
  },
  { folder: 'trust/attest/', floor: 3, holds: 'what is proven', mayImport: [...everywhere, 'image/oci/'] },
  // A verdict is pure: evidence is handed in, so of the ground only the faults are needed.
  { folder: 'trust/policy/', floor: 3, holds: 'what we decide', mayImport: ['model/', 'ground/fault/'] },
  {
    folder: 'fleet/',
    floor: 3,
    holds: 'which images we keep',
    mayImport: [...everywhere, 'image/dockerfile/'],
  },
  { folder: 'delivery/', floor: 4, holds: 'Git, forges, clusters', mayImport: everywhere },
  {
    folder: 'delivery/admission/',
    floor: 4,
    holds: 'what a cluster lets in',
    mayImport: [...everywhere, 'trust/policy/'],
  },
  {
    folder: 'workflow/',
    floor: 5,
    holds: 'one file, one story',
    mayImport: [...everywhere, 'config/', 'image/', 'risk/', 'trust/', 'fleet/', 'delivery/'],
  },
  { folder: 'cli/', floor: 6, holds: 'commands', mayImport: [...everywhere, 'workflow/'] },
  { folder: 'dashboard/', floor: 6, holds: 'pages', mayImport: [...everywhere, 'workflow/'] },
  // The library's front doors re-export workflows, and the ports and functions of single wings.
  {
    folder: '',
    floor: 6,
    holds: 'the library',
    mayImport: [...everywhere, 'config/', 'image/', 'risk/', 'trust/', 'fleet/', 'delivery/', 'workflow/'],
  },
];

export function wingOf(file: string): Wing {
  const owners = house.filter(wing => file.startsWith(wing.folder));
  return owners.reduce((best, wing) => (wing.folder.length > best.folder.length ? wing : best));
}

/** One sentence for a stray import, or undefined when it is fine. */
export function strayImport(from: string, to: string): string | undefined {
  const wing = wingOf(from);
  const target = wingOf(to);
  if (wing === target || wing.mayImport.some(allowed => to.startsWith(allowed))) return undefined;
  const home = house.filter(
    w => w.floor >= target.floor && w.mayImport.some(allowed => to.startsWith(allowed)),
  );
  const places = home
    .map(w => `src/${w.folder}`)
    .slice(-3)
    .join(', ');
  return `src/${from} (floor ${wing.floor}) must not import src/${to} (floor ${target.floor}): ${
    target.floor >= wing.floor ? 'imports only point down' : 'there is no such edge in test/house.ts'
  }; code that needs both belongs in ${places || 'src/workflow/'}.`;
}
