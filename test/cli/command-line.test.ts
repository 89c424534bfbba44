import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandTable } from '../../src/cli/command-table.ts';
import { flagName } from '../../src/cli/flag-name.ts';
import { globalFlags } from '../../src/cli/global-flags.ts';
import { faultCodes } from '../../src/ground/fault/codes.ts';
import { runCli } from './pretend.ts';

const words = (line: string) => line.split(' ').filter(Boolean);

describe('the command table', () => {
  it.each(commandTable.map(entry => entry.path))(
    'has the code of "cg %s" in one file of that name',
    async path => {
      expect(
        existsSync(join(import.meta.dirname, '../../src/cli/commands', `${path.replace(' ', '/')}.ts`)),
      ).toBe(true);
      expect(path.split(' ').length).toBeLessThanOrEqual(2);
    },
  );

  it.each(commandTable.map(entry => entry.path))(
    'has help for "cg %s" that begins with examples which parse',
    async path => {
      const { code, stdout } = await runCli([...words(path), '--help']);
      expect(code).toBe(0);
      expect(stdout.split('\n\n')[1]).toMatch(/^Examples\n {2}# .+\n {2}\S/);
      expect(stdout).toContain('Flags of every command');
      expect(stdout).toContain('Exit codes:');
    },
  );

  it.each(commandTable.map(entry => entry.path))(
    'names every flag of "cg %s" that its examples use',
    async path => {
      const entry = commandTable.find(e => e.path === path);
      const { command } = (await entry?.load()) ?? {};
      const known = new Set(
        Object.keys({ ...globalFlags, ...command?.flags }).flatMap(key => [
          flagName(key),
          `--no-${flagName(key).slice(2)}`,
        ]),
      );
      const used = command?.examples.flatMap(e =>
        e.run
          .split('|')
          .filter(part => part.includes('cg '))
          .flatMap(part => part.match(/(?<=\s)--[a-z][a-z-]*/g) ?? []),
      );
      expect((used ?? []).filter(flag => !known.has(flag))).toEqual([]);
    },
  );

  it('gives no flag of a command the name or letter of a global one', async () => {
    for (const entry of commandTable) {
      const { command } = await entry.load();
      for (const [key, flag] of Object.entries(command.flags)) {
        expect(Object.keys(globalFlags), `cg ${entry.path} ${flagName(key)}`).not.toContain(key);
        const letters: (string | undefined)[] = Object.values(globalFlags).map(global =>
          'short' in global ? global.short : undefined,
        );
        if (flag.short) expect(letters, `cg ${entry.path} -${flag.short}`).not.toContain(flag.short);
      }
    }
  });
});

describe('the command line', () => {
  it('shows the overview without arguments, with help and with --help, on stdout', async () => {
    const [bare, help, flag] = await Promise.all([runCli([]), runCli(['help']), runCli(['--help'])]);
    expect(bare).toEqual({ code: 0, stdout: help.stdout, stderr: '' });
    expect(flag.stdout).toBe(help.stdout);
    for (const { path } of commandTable) expect(help.stdout).toContain(`cg ${path}`);
  });

  it('shows the short help with -h and the commands of a noun alone', async () => {
    const short = await runCli(words('config show -h'));
    expect(short.stdout).not.toContain('Flags of every command');
    expect(short.stdout).toContain('All flags: cg config show --help');
    expect((await runCli(['config'])).stdout).toContain('cg config show');
  });

  it.each([
    ['confg show', 'there is no command "cg confg show"; did you mean "cg config show"?'],
    ['compltion', 'there is no command "cg compltion"; did you mean "cg completion"?'],
    ['config shwo', 'there is no command "cg config shwo"; did you mean "cg config show"?'],
    ['config show --ofline', 'there is no flag --ofline; did you mean --offline?'],
    ['config show --output', '--output needs a value'],
    ['config show --quiet=yes', '--quiet takes no value'],
    ['config show a b', 'there is more on the line than cg config show takes'],
    ['config show --color pink', '--color does not know "pink"'],
    ['config show --output tabel', 'cg config show has no output format "tabel"'],
    ['completion', 'SHELL is missing'],
    ['--outptu json', 'there is no command "cg json"'],
    ['--verison', 'there is no command on the line, only --verison'],
    ['help FILE_INVALD', 'there is no error code FILE_INVALD; did you mean FILE_INVALID?'],
  ])('says what is wrong with "cg %s" and leaves with 2', async (line, message) => {
    const { code, stdout, stderr } = await runCli(words(line));
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^ {2}next {6}cg .+$/m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('gives an error as JSON on stdout when JSON was asked for, in every spelling', async () => {
    for (const spelling of ['-o json', '-ojson', '--output json', '--output=json']) {
      const { code, stdout, stderr } = await runCli(words(`config show extra more ${spelling}`));
      expect(JSON.parse(stdout).error).toMatchObject({ code: 'USAGE', where: 'cg config show' });
      expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    }
    const fromEnv = await runCli(words('config show extra more'), { env: { CG_OUTPUT: 'json' } });
    expect(JSON.parse(fromEnv.stdout).error.code).toBe('USAGE');
  });

  it('makes an annotation of an error in GitHub Actions', async () => {
    const { stderr } = await runCli(words('config show a b'), { env: { GITHUB_ACTIONS: 'true' } });
    expect(stderr).toMatch(/^::error title=USAGE::there is more .*%0Anext: cg config show --help$/m);
  });

  it('prints the version, and with JSON where it was built from', async () => {
    expect((await runCli(['--version'])).stdout).toMatch(/^cg \S+\n$/);
    const { stdout } = await runCli(words('--version --output json'));
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'cascadeguard',
      build: { commit: expect.any(String) },
      runtime: { node: process.versions.node },
    });
  });

  it.each(Object.keys(faultCodes))('explains %s offline', async code => {
    const { stdout } = await runCli(['help', code]);
    expect(stdout).toMatch(
      new RegExp(`^${code} \\(exit code \\d+\\)\n\n.+\n\nUsual causes\n {2}- .+[^]*\n\nNext\n {2}.+\n$`),
    );
  });

  it('uses colour only on a terminal, and obeys NO_COLOR, CLICOLOR_FORCE, TERM and --color', async () => {
    const isColoured = async (line: string, pretence: Parameters<typeof runCli>[1]) =>
      (await runCli(words(line), pretence)).stdout.includes('\u001b[');
    expect(await isColoured('config show', {})).toBe(false);
    expect(await isColoured('config show', { terminal: true })).toBe(true);
    expect(await isColoured('config show', { terminal: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await isColoured('config show', { terminal: true, env: { TERM: 'dumb' } })).toBe(false);
    expect(await isColoured('config show', { env: { CLICOLOR_FORCE: '1' } })).toBe(true);
    expect(await isColoured('config show --color always', { env: { NO_COLOR: '1' } })).toBe(true);
    expect(await isColoured('config show --color never', { terminal: true })).toBe(false);
  });

  it('writes the result whole to --output-file and nothing to stdout', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'cg-')), 'result.json');
    const { code, stdout } = await runCli(['config', 'show', '--output', 'json', '--output-file', file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(JSON.parse(readFileSync(file, 'utf8')).settings.length).toBeGreaterThan(5);
  });

  it('fails with WRITE_FAILED when --output-file cannot be written', async () => {
    const { code, stderr } = await runCli(words('config show --output-file /nonexistent/folder/file'));
    expect(stderr).toContain('error WRITE_FAILED');
    expect(code).toBe(3);
  });
});

describe('a narrow terminal', () => {
  it('gets lines that fit, in help and in errors', async () => {
    for (const words of [
      ['--help'],
      ['copy', '--help'],
      ['registry', 'serve', '--help'],
      ['inspect', 'ghcr.io/Shop/Web:1'],
    ]) {
      const { stdout, stderr } = await runCli(words, { terminal: true, columns: 60, env: { NO_COLOR: '1' } });
      const tooLong = `${stdout}${stderr}`
        .split('\n')
        .filter(
          line => line.length > 60 && line.trim().includes(' ') && !/^(?: {2}cg | {2}# |cg takes)/.test(line),
        );
      expect(tooLong).toEqual([]);
    }
  });
});

describe('flags of every command', () => {
  it('may stand before the command, with their values', async () => {
    const { code, stdout } = await runCli(words('--output json -q config show ci'));
    expect(code).toBe(0);
    expect(JSON.parse(stdout).settings.length).toBe(2);
  });

  it('write to a pipe or a device, and replace only files', async () => {
    const { code } = await runCli(words('config show --output-file /dev/null'));
    expect(code).toBe(0);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});

describe('shell completion', () => {
  const proposals = async (...typed: string[]) =>
    (await runCli(['__complete', '--', ...typed])).stdout
      .split('\n')
      .filter(Boolean)
      .map(line => line.split('\t')[0]);

  it('proposes commands, verbs of a noun, flags, choices and files', async () => {
    expect(await proposals('')).toEqual(expect.arrayContaining(['config', 'completion', 'help']));
    expect(await proposals('comp')).toEqual(['completion']);
    expect(await proposals('config', '')).toEqual(['show']);
    expect(await proposals('config', 'show', '--of')).toEqual(['--offline']);
    expect(await proposals('config', 'show', '--color', 'a')).toEqual(['auto', 'always']);
    expect(await proposals('config', 'show', '--color=n')).toEqual(['--color=never']);
    expect(await proposals('config', 'show', '--config', '')).toEqual([':files']);
    expect(await proposals('completion', 'z')).toEqual(['zsh']);
    expect(await proposals('help', 'FILE_I')).toEqual(['FILE_INVALID']);
  });

  it('never shows a shell an error', async () => {
    expect(await runCli(['__complete', '--', 'nonsense', '--what', ''])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect((await runCli(['__complete'])).code).toBe(0);
  });

  it.each(['bash', 'zsh', 'fish'])('prints a script for %s', async shell => {
    const { stdout } = await runCli(['completion', shell]);
    expect(stdout).toContain('cg __complete --');
  });
});
