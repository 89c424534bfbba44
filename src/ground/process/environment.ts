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

/** The allow-list of a child's environment: the harmless names and those that this program needs. */
export function pickEnvironment(env: Environment, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    [...harmless, ...names].flatMap(name => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
