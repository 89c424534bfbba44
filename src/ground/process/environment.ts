type Environment = Readonly<Record<string, string | undefined>>;

/** What any program needs to find its way, and nothing that is secret. */
const harmless = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TMP',
  'TEMP',
  'LANG',
  'LC_ALL',
  'TZ',
  'SystemRoot',
  'USERPROFILE',
  'PATHEXT',
];

/** The allow-list of a child's environment: the harmless names and those that this program needs, `AWS_*` for all such. */
export function pickEnvironment(env: Environment, ...names: readonly string[]): Record<string, string> {
  const wanted = new Set([...harmless, ...names]);
  const families = names.filter(name => name.endsWith('*')).map(name => name.slice(0, -1));
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => {
      const [name, value] = entry;
      return value !== undefined && (wanted.has(name) || families.some(family => name.startsWith(family)));
    }),
  );
}
