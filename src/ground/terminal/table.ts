/**
 * Columns of equal width, two spaces apart. The last one is not padded; where the terminal is too narrow for it, it goes
 * on below itself. Colour codes do not count as width.
 */
export function formatTable(rows: readonly (readonly string[])[], indent = '', columns?: number): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, visibleWidth(cell));
  }
  return rows.map(row => formatRow(row, widths, indent, columns)).join('\n');
}

/** Breaks a line at its spaces; a word that is too long stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && visibleWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

const narrowest = 24;

function formatRow(
  row: readonly string[],
  widths: readonly number[],
  indent: string,
  columns: number | undefined,
): string {
  const before = row.slice(0, -1).map((cell, column) => pad(cell, widths[column] ?? 0));
  const start = indent + before.map(cell => `${cell}  `).join('');
  const last = row.at(-1) ?? '';
  const room = (columns ?? Number.POSITIVE_INFINITY) - visibleWidth(start) - 1;
  // Too little room beside the other columns: the text goes below them.
  if (room < narrowest && before.length > 0 && visibleWidth(last) > room) {
    const below = `${indent}    `;
    const lines = wrap(last, Math.max(narrowest, (columns ?? 80) - below.length - 1));
    return [start.trimEnd(), ...lines.map(line => below + line)].join('\n');
  }
  const [first = '', ...rest] = wrap(last, Math.max(narrowest, room));
  return [(start + first).trimEnd(), ...rest.map(line => ' '.repeat(visibleWidth(start)) + line)].join('\n');
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - visibleWidth(cell)));
}

function visibleWidth(text: string): number {
  // oxlint-disable-next-line no-control-regex
  return [...text.replace(/\u001b\[[0-9;]*m/g, '')].length;
}
