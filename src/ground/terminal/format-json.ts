/** JSON that is safe to show: what a terminal would obey, and what GitHub's runner would, is spelt as an escape. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(hazards, character =>
    [...character].map(one => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`).join(''),
  );
}

// JSON itself escapes the rest of the controls. `##[` begins a command of GitHub's runner wherever it stands.
const hazards = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]|#(?=#\[)/g;
