/** A word of a line: a text of ours, or the value of a variable, between two texts of ours. */
export type ShellWord =
  | string
  | { readonly variable: string; readonly before?: string; readonly after?: string };

/**
 * One line for a shell. Texts are plain by the seventh invariant, so nothing has to be escaped; what others named
 * comes out of the environment, in quotes.
 */
export function writeShellLine(words: readonly ShellWord[]): string {
  return words.map(word => (typeof word === 'string' ? word : quote(word))).join(' ');
}

function quote({ variable, before = '', after = '' }: Exclude<ShellWord, string>): string {
  return `"${before}$${variable}${after}"`;
}
