/** One way to say who you are, as the server offers it in `WWW-Authenticate` (RFC 9110 §11.6.1). */
export interface Challenge {
  /** Lower case: "bearer", "basic". */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const longestHeader = 16_384;
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const schemeText = new RegExp(`(${token})(?=\\s|,|$)`, 'y');
const credentialsText = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const parameterText = new RegExp(`(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]*))`, 'y');
const separators = /[\s,]*/y;

/** Reads every challenge of a header: several may share it, values may hold commas and escaped quotes. Junk is skipped. */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, longestHeader);
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (take(separators); at < text.length; take(separators)) {
    const parameter = found.length === 0 ? null : take(parameterText);
    if (parameter !== null) {
      const [, name = '', quoted, bare = ''] = parameter;
      const parameters = found.at(-1)?.parameters ?? {};
      // The first of two values counts, so that nothing can be smuggled in behind.
      const key = name.toLowerCase();
      if (!Object.hasOwn(parameters, key)) parameters[key] = quoted?.replace(/\\(.)/g, '$1') ?? bare;
      continue;
    }
    const scheme = take(schemeText);
    if (scheme === null) at += 1;
    else {
      found.push({
        scheme: (scheme[1] ?? '').toLowerCase(),
        parameters: Object.create(null) as Record<string, string>,
      });
      take(credentialsText);
    }
  }
  return found;
}

/** A token service is preferred to sending the password with every request. */
export function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  return (
    challenges.find(({ scheme, parameters }) => scheme === 'bearer' && (parameters['realm'] ?? '') !== '') ??
    challenges.find(({ scheme }) => scheme === 'basic')
  );
}

export function formatChallenge({ scheme, parameters }: Challenge): string {
  const written = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`,
  );
  return `${scheme} ${written.join(',')}`.trim();
}
