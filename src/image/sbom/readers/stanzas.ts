/**
 * Fields of blocks that empty lines separate, as mail headers are written (RFC 5322, "Header Field Names"; Debian
 * policy, "Syntax of control files"). Continuation lines belong to the field above. Of a field that comes twice the
 * first counts.
 */
export function* readStanzas(text: string, wanted: ReadonlySet<string>): Generator<Map<string, string>> {
  let fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of lines(text)) {
    if (line.trim() === '') {
      if (fields.size > 0) yield fields;
      fields = new Map();
      current = undefined;
    } else if (line.startsWith(' ') || line.startsWith('\t')) {
      if (current !== undefined) fields.set(current, `${fields.get(current)}\n${line.trim()}`);
    } else current = addField(fields, line, wanted);
  }
  if (fields.size > 0) yield fields;
}

function addField(
  fields: Map<string, string>,
  line: string,
  wanted: ReadonlySet<string>,
): string | undefined {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon)).toLowerCase();
  if (!wanted.has(name) || fields.has(name)) return undefined;
  fields.set(name, line.slice(colon + 1).trim());
  return name;
}

/** Lines without their ends; nothing is split at once, so a long text costs no list. */
export function* lines(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf('\n', at);
    const end = found === -1 ? text.length : found;
    yield text.slice(at, text[end - 1] === '\r' && end > at ? end - 1 : end);
    at = end + 1;
  }
}
