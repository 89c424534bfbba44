import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { planPipeline } from '../plan-pipeline.ts';
import { renderGitlab } from './gitlab.ts';
import { launcherPath, renderLauncher } from './launcher.ts';
import { renderPolicy } from './policy.ts';
import { noted, writeYaml } from './yaml.ts';

describe('YAML that is written', () => {
  it('means the same to readers of 1.1 and 1.2, whatever stands in it', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
      fc.string({ unit: 'binary', maxLength: 8 }).filter(text => text.isWellFormed()),
      fc.constantFrom(
        'on',
        'no',
        '012',
        '1_000',
        '0o7',
        '~',
        '<<',
        '=',
        '1:30',
        '2026-11-24',
        '.inf',
        '- a',
        'a: b',
        '#',
      ),
    );
    fc.assert(
      fc.property(
        fc.array(texts, { maxLength: 5 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), texts),
        (list, map) => {
          const value = { list, map, nested: { list: [map] } };
          const text = writeYaml(value);
          expect(parse(text, { version: '1.2' })).toEqual(parse(JSON.stringify(value)));
          expect(parse(text, { version: '1.1' })).toEqual(parse(JSON.stringify(value)));
        },
      ),
      { numRuns: 300, seed: 11 },
    );
  });

  it('says beside a value why it is there', () => {
    expect(writeYaml({ packages: noted('read', 'pull only'), on: noted({}, 'nothing more') })).toBe(
      'packages: read # pull only\non: {} # nothing more\n',
    );
  });
});

describe('the pipeline of GitLab', () => {
  const render = (images: readonly { name: string; context: string; dockerfile: string }[]) => {
    const [file] = renderGitlab(planPipeline({ images, branch: 'main' }), { version: '1', jobImage: 'node' });
    return parse(file?.text ?? '') as Record<
      string,
      { needs?: object[]; dependencies?: object[]; rules?: { changes?: { paths: string[] } }[] }
    >;
  };

  it('needs each image by name as long as it may, and then waits for their stage', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ name: `i${at}`, context: '.', dockerfile: 'Dockerfile' }));
    expect(render(many(50))['cg:collect']?.needs).toHaveLength(50);
    const more = render(many(51))['cg:collect'];
    expect([more?.needs, more?.dependencies?.length]).toEqual([undefined, 51]);
  });

  it.each([
    ['services/api', 'services/api/Dockerfile', ['services/api/**/*']],
    ['services/api', 'docker/api.Dockerfile', ['services/api/**/*', 'docker/api.Dockerfile']],
    ['.', 'Dockerfile', undefined],
    ['$CI_COMMIT_MESSAGE', '$CI_COMMIT_MESSAGE/Dockerfile', undefined],
    ['a*[b]', 'a*[b]/Dockerfile', undefined],
  ])('of %s and %s runs a merge request for %j', (context, dockerfile, expected) => {
    const paths = render([{ name: 'api', context, dockerfile }])['cg:mr:api']?.rules?.[0]?.changes?.paths;
    expect(paths?.filter(path => !/^(?:images|\.)/.test(path))).toEqual(expected);
  });
});

describe('the launcher', () => {
  let folder: string;
  beforeAll(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'cg-launcher-')), 'with space');
    const path = join(folder, launcherPath);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, renderLauncher('1').text);
    chmodSync(path, 0o755);
  });
  afterAll(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

  it('refuses to run what is not installed, and says how to install it', () => {
    const { status, stderr } = spawnSync(join(folder, launcherPath), ['--version'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([2, expect.stringContaining('npm ci --prefix .cascadeguard')]);
  });

  it('runs the installed cg from anywhere, with the words as they are and its exit code', () => {
    const program = join(folder, '.cascadeguard/node_modules/cascadeguard/dist/cg.js');
    mkdirSync(join(program, '..'), { recursive: true });
    writeFileSync(program, 'console.log(JSON.stringify(process.argv.slice(2))); process.exit(7);');
    const words = ['a b', '$HOME', '', '*'];
    const { status, stdout } = spawnSync(join(folder, launcherPath), words, { cwd: '/', encoding: 'utf8' });
    expect([status, JSON.parse(stdout)]).toEqual([7, words]);
  });

  it('is a script that every shell can read', () => {
    symlinkSync('/bin/sh', join(folder, 'sh'));
    execFileSync(join(folder, 'sh'), ['-n', join(folder, launcherPath)]);
  });
});

describe('the first policy', () => {
  it('believes whom it is told to, and nobody when it is not known', () => {
    const identity = {
      issuer: 'https://gitlab.com',
      subject: 'https://gitlab.com/a/b//.gitlab-ci.yml@refs/heads/main',
    };
    expect(parse(renderPolicy(identity))).toMatchObject({ identity });
    expect(parse(renderPolicy(undefined))).not.toHaveProperty('identity');
  });
});
