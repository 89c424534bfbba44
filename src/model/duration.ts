import type { Parsed } from './parsed.ts';

const minute = 60_000;
const units: Record<string, number> = {
  m: minute,
  h: 60 * minute,
  d: 24 * 60 * minute,
  w: 7 * 24 * 60 * minute,
};

/** `48h`, `1d12h`, `P7D`, a bare number of hours, or a word for none; the result is in milliseconds. */
export function parseDuration(text: string, o: { readonly seconds?: boolean } = {}): Parsed<number> {
  const word = text.trim().toLowerCase();
  // A window of files is never seconds; a timeout on the command line is.
  const seconds = o.seconds === true ? /^(\d{1,6})s$/.exec(word)?.[1] : undefined;
  if (seconds !== undefined) return { value: Number(seconds) * 1000 };
  if (['0', 'none', 'false', 'disabled', 'off', 'no'].includes(word)) return { value: 0 };
  if (/^\d{1,6}$/.test(word)) return { value: Number(word) * (units.h ?? 0) };
  const iso = /^p(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:t(?:(\d{1,6})h)?(?:(\d{1,6})m)?)?$/.exec(word);
  if (iso && /\d/.test(word))
    return { value: sum([iso[1], 'w'], [iso[2], 'd'], [iso[3], 'h'], [iso[4], 'm']) };
  const parts = [...word.matchAll(/(\d{1,6})\s*([mhdw])/g)];
  const isWhole =
    parts.length > 0 && parts.map(part => part[0]).join('') === word.replaceAll(/(?<=[mhdw])\s+/g, '');
  const isDescending = parts.every((part, index) => index === 0 || unitOf(part) < unitOf(parts[index - 1]));
  if (isWhole && isDescending) return { value: sum(...parts.map(part => [part[1], part[2] ?? ''] as const)) };
  return { problem: `"${text}" is not a duration: write 48h, 7d, 1d12h, 30m, P7D, or 0 for none` };
}

/** Of a text that was held to its schema before; without one, none. A wait that nobody understands never becomes none. */
export function durationOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const parsed = parseDuration(text);
  if ('value' in parsed) return parsed.value;
  throw new Error(`a duration that was let through: ${parsed.problem}`);
}

function unitOf(part: RegExpMatchArray | undefined): number {
  return units[part?.[2] ?? ''] ?? Number.POSITIVE_INFINITY;
}

function sum(...parts: readonly (readonly [string | undefined, string])[]): number {
  return parts.reduce((total, [count, unit]) => total + Number(count ?? 0) * (units[unit] ?? 0), 0);
}
