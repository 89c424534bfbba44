// Runs every *.bench.ts here, or those whose names are given; prints ratios and writes bench/results/latest.json.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatTable } from '../src/ground/terminal/table.ts';
import type { Row } from './row.ts';

interface Bench {
  readonly name: string;
  readonly run: () => Promise<Row[]>;
}

const wanted = process.argv.slice(2).filter(word => !word.startsWith('-'));
const files = readdirSync(import.meta.dirname)
  .filter(file => file.endsWith('.bench.ts'))
  .sort();
const results: (Row & { bench: string })[] = [];
const notRun: string[] = [];

console.log(`Node ${process.versions.node}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}\n`);
for (const file of files) {
  const bench = (await import(pathToFileURL(join(import.meta.dirname, file)).href)) as Bench;
  if (wanted.length > 0 && !wanted.some(word => bench.name.includes(word))) continue;
  const rows = await bench.run();
  if (rows.length === 0) notRun.push(bench.name);
  results.push(...rows.map(row => ({ bench: bench.name, ...row })));
  console.log(`${bench.name}\n${formatTable(rows.map(describe), '  ')}\n`);
}
if (notRun.length > 0) console.log(`NOT RUN, because the peer was not found: ${notRun.join(', ')}\n`);
const short = results.filter(row => !row.ok);
console.log(
  `${results.length - short.length} of ${results.length} targets met${short.map(row => `\n  short: ${row.bench}: ${row.what}`).join('')}`,
);
mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
writeFileSync(
  join(import.meta.dirname, 'results/latest.json'),
  `${JSON.stringify({ node: process.versions.node, results }, null, 2)}\n`,
);
if (wanted.length > 0 && results.length === 0 && notRun.length === 0) {
  console.error(`no benchmark is named ${wanted.join(' or ')}`);
  process.exitCode = 2;
}

function describe(row: Row): string[] {
  const number = (value: number) =>
    value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  return [
    row.ok ? '✓' : '✗',
    row.what,
    `${number(row.ours)} ${row.unit}`,
    `${row.peerName} ${number(row.peer)} ${row.unit}`,
    `ratio ${row.ratio.toFixed(2)}`,
    `target ≥ ${row.target}`,
  ];
}
