// Writes what is generated from the code: docs/errors.md, docs/commands.md, docs/house.svg and schema/. With --check it only compares.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { commandGroups, commandTable } from '../src/cli/command-table.ts';
import { renderCommandHelp } from '../src/cli/help.ts';
import { toSchemas } from '../src/config/json-schema.ts';
import { type FaultCodeEntry, faultCodes } from '../src/ground/fault/codes.ts';
import { exitCodes } from '../src/ground/fault/exit-codes.ts';
import { plainStyle } from '../src/ground/terminal/style.ts';
import { BuildRecordFile } from '../src/trust/attest/provenance/build-record-file.ts';
import { drawHouse } from './draw-house.ts';

const root = join(import.meta.dirname, '..');

const outputs: Record<string, string> = {
  'docs/errors.md': errorsPage(),
  'docs/commands.md': await commandsPage(),
  'docs/house.svg': drawHouse(),
  'schema/build-record.schema.json': `${JSON.stringify({ title: 'build record', ...z.toJSONSchema(BuildRecordFile) }, null, 2)}\n`,
  ...Object.fromEntries(
    toSchemas().map(({ file, schema }) => [`schema/${file}`, `${JSON.stringify(schema, null, 2)}\n`]),
  ),
};

const stale = Object.entries(outputs).filter(([file, text]) => read(file) !== text);
if (process.argv.includes('--check')) {
  for (const [file] of stale) console.error(`${file} is not what the code says; run: npm run docs`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [file, text] of stale) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    console.error(`wrote ${file}`);
  }
}

function read(file: string): string | undefined {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined;
}

function errorsPage(): string {
  const entries = Object.entries<FaultCodeEntry>(faultCodes).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = entries.map(([code, entry]) =>
    [
      `## ${code}`,
      `Exit code ${exitCodes[entry.kind]}. ${entry.meaning}`,
      `Usual causes:\n\n${entry.causes.map(cause => `- ${cause}`).join('\n')}`,
      `Next: ${entry.next}`,
    ].join('\n\n'),
  );
  return `# Errors\n\nEvery error has a code that never changes its meaning. \`cg help CODE\` prints the same text offline. This page is generated.\n\n${exitTable()}\n\n${sections.join('\n\n')}\n`;
}

function exitTable(): string {
  const meanings: Record<keyof typeof exitCodes, string> = {
    done: 'done, or the verdict is *allow*',
    deny: 'the verdict is *deny*, or a check found a difference or findings',
    usage: 'usage, configuration or policy file wrong',
    remote: 'something outside could not be reached or refused: no verdict',
    trust: 'evidence or a tool cannot be trusted',
    bug: 'a bug of ours',
    interrupted: 'interrupted; says how to go on',
  };
  const rows = Object.entries(meanings).map(
    ([name, meaning]) => `| ${exitCodes[name as keyof typeof exitCodes]} | ${meaning} |`,
  );
  return `| exit code | meaning |\n|---|---|\n${rows.join('\n')}`;
}

async function commandsPage(): Promise<string> {
  const sections: string[] = [];
  for (const group of commandGroups) {
    const entries = commandTable.filter(entry => entry.group === group);
    if (entries.length > 0) sections.push(`## ${group}`);
    for (const entry of entries) {
      const { command } = await entry.load();
      sections.push(
        `### cg ${entry.path}\n\n\`\`\`text\n${renderCommandHelp(entry, command, plainStyle, false)}\n\`\`\``,
      );
    }
  }
  return `# Commands\n\nThe help of every command. This page is generated; flags that every command takes are in \`cg COMMAND --help\`.\n\n${sections.join('\n\n')}\n`;
}
