/** The last paragraph of a commit message when all of it is `Key: value`: a record that Git itself can query. */
export type Trailers = readonly (readonly [key: string, value: string])[];

export function formatMessage(title: string, trailers: Trailers): string {
  const lines = trailers.map(([key, value]) => `${key}: ${oneLine(value)}`);
  return `${oneLine(title)}\n${lines.length === 0 ? '' : `\n${lines.join('\n')}\n`}`;
}

/** A line end in a value would begin another trailer. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
