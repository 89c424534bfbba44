/** Columns of equal width, two spaces apart; the last one is not padded. Colour codes do not count as width. */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, visibleWidth(cell));
  }
  return rows
    .map(row =>
      (
        indent +
        row
          .map((cell, column) => (column === row.length - 1 ? cell : pad(cell, widths[column] ?? 0)))
          .join('  ')
      ).trimEnd(),
    )
    .join('\n');
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - visibleWidth(cell)));
}

function visibleWidth(text: string): number {
  // oxlint-disable-next-line no-control-regex
  return [...text.replace(/\u001b\[[0-9;]*m/g, '')].length;
}
