import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { formatTable } from '../../ground/terminal/table.ts';
import type { Finding, Health } from '../../workflow/doctor/examine.ts';

/** The doctor's table, area by area, with the fix below what is not well. */
export function renderFindings(findings: readonly Finding[], style: Style): string {
  const marks: Record<Health, string> = {
    ok: style.green('✓'),
    missing: style.yellow('◦'),
    broken: style.red('✗'),
    skipped: style.dim('-'),
  };
  const width = Math.max(...findings.map(finding => finding.check.length));
  const blocks: string[] = [];
  for (const area of new Set(findings.map(finding => finding.area))) {
    const rows = findings
      .filter(finding => finding.area === area)
      .flatMap(finding => [
        [marks[finding.health], finding.check.padEnd(width), clean(finding.found)],
        ...(finding.fix === undefined ? [] : [['', '', style.dim(`→ ${clean(finding.fix)}`)]]),
      ]);
    blocks.push(`${style.bold(area)}\n${formatTable(rows, '  ', style.columns)}`);
  }
  return blocks.join('\n\n');
}

function clean(text: string): string {
  return escapeLine(text);
}
