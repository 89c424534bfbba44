/**
 * Makes text from outside safe to print: control characters, terminal escapes and bidirectional overrides
 * become visible, so that a registry or a file can neither hide a line nor fake one.
 */
export function escapeForTerminal(text: string): string {
  return text.replace(hazards, show);
}

/** The same for text that must stay on its line. */
export function escapeLine(text: string): string {
  return escapeForTerminal(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/**
 * GitHub's runner takes lines that begin with `::`, and `##[` anywhere, for commands. In text that others may
 * have written, both are broken up; our own commands do not pass through here.
 */
export function defuseWorkflowCommands(text: string): string {
  return text.replaceAll('##[', '# #[').replaceAll(/^(\s*):(?=:)/gm, '$1: ');
}

// Line feed and tab stay; C0, C1, DEL, line and paragraph separators, and the bidirectional controls do not.
// oxlint-disable-next-line no-control-regex
const hazards = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function show(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
