import type { Json, JsonObject } from '../../json/strict-json.ts';

/** What TUF signs: OLPC canonical JSON, in which texts keep their line ends and only quotes and backslashes are escaped. */
export function canonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalText).join(',')}]`;
  if (typeof value === 'string') return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new Error('a number is not whole');
  if (typeof value !== 'object' || value === null) return String(value);
  const object = value as JsonObject;
  const members = Object.keys(object)
    .sort()
    .map(key => `${canonicalText(key)}:${canonicalText(object[key] ?? null)}`);
  return `{${members.join(',')}}`;
}
