import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../cli/pretend.ts';

// A case is a folder: `command` holds the words, `files/` what lies in the working folder, `env` variables; `stdout`,
// `stderr` and `exit` are what must come out. UPDATE_GOLDEN=1 writes these, to be read before they are committed.
const cases = join(import.meta.dirname, 'cli');
const update = process.env.UPDATE_GOLDEN === '1';

describe('cg', () => {
  it.each(readdirSync(cases).sort())('%s', async name => {
    const folder = join(cases, name);
    const cwd = mkdtempSync(join(tmpdir(), 'cg-golden-'));
    try {
      if (existsSync(join(folder, 'files'))) cpSync(join(folder, 'files'), cwd, { recursive: true });
      const ran = await runCli(splitWords(read(folder, 'command') ?? ''), { cwd, env: readEnv(folder) });
      const shown = (text: string) => text.replaceAll(cwd, '<cwd>');
      const actual = { exit: `${ran.code}\n`, stdout: shown(ran.stdout), stderr: shown(ran.stderr) };
      if (update) for (const [file, text] of Object.entries(actual)) write(folder, file, text);
      expect(actual).toEqual({ exit: read(folder, 'exit') ?? '0\n', stdout: read(folder, 'stdout') ?? '', stderr: read(folder, 'stderr') ?? '' });
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  });
});

function splitWords(line: string): string[] {
  const words = [...line.trim().matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(match => match[1] ?? match[2] ?? match[3] ?? '');
  expect(words[0], 'a command begins with cg').toBe('cg');
  return words.slice(1);
}

function readEnv(folder: string): Record<string, string> {
  const lines = (read(folder, 'env') ?? '').split('\n').filter(Boolean);
  return Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

function read(folder: string, file: string): string | undefined {
  return existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : undefined;
}

/** What is nothing, or exit code 0, has no file. */
function write(folder: string, file: string, text: string): void {
  if (text === '' || (file === 'exit' && text === '0\n')) rmSync(join(folder, file), { force: true });
  else writeFileSync(join(folder, file), text);
}
