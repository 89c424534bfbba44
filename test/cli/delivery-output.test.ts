import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { open } from '../../src/image/oci/open.ts';
import { systemClock } from '../../src/model/clock.ts';
import { reachRegistries } from '../../src/workflow/reach-registries.ts';
import { createConfigRepository } from '../environments.ts';
import { imageOf, pushImage } from '../images.ts';
import { useRegistry } from '../running-registry.ts';
import { runCli } from './pretend.ts';

const bench = useRegistry();

function problemsOf(name: string, json: string): unknown {
  const file = join(import.meta.dirname, `../../schema/output/${name}.schema.json`);
  const validate = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).compile(
    JSON.parse(readFileSync(file, 'utf8')),
  );
  return validate(JSON.parse(json)) ? [] : validate.errors;
}

describe('the commands that deliver', () => {
  it('print what their schemas say, and for people what changed where', async () => {
    await bench.start();
    const host = new URL(bench.registry?.url ?? '').host;
    const config = createConfigRepository(`- name: shop/web\n  newName: ${host}/shop/web\n`);
    const push = async (word: string) =>
      await reachRegistries({ env: {} }, [], async access => {
        const { registry } = await open(`${host}/shop/web:x`, access, { to: 'write' });
        return `${host}/shop/web@${await pushImage(registry, imageOf(word))}`;
      });
    const [one, two] = [await push('one'), await push('two')];
    const run = async (...words: string[]) =>
      await runCli(words, {
        cwd: config.project,
        env: { PATH: process.env['PATH'] ?? '' },
        clock: systemClock,
      });
    const json = async (name: string, ...words: string[]) => {
      const { stdout, stderr } = await run(...words, '--output', 'json');
      expect({ name, problems: stdout === '' ? stderr : problemsOf(name, stdout) }).toEqual({
        name,
        problems: [],
      });
    };
    const override = ['--allow-unverified', '--reason', 'no policy yet'];
    await json('bump', 'bump', 'dev', one, ...override, '--plan');
    await json('bump', 'bump', 'dev', one, ...override);
    await json('promote', 'promote', 'dev', 'staging', ...override);
    await json('promote', 'promote', one, '--tag', 'stable', ...override);
    const text = await run('bump', 'staging', two, ...override);
    expect(text.stdout).toMatch(
      /^shop\/web {2}sha256:\w{12} → sha256:\w{12} {2}overlays\/staging\/kustomization\.yaml:4\ncommit \w{40}\n$/,
    );
    await json('rollback', 'rollback', 'staging', ...override);
    await json('where', 'where');
    const where = await run('where');
    expect(where.stdout).toMatch(
      /dev +staging +prod\nshop\/web +sha256:\w{12} +sha256:\w{12} +latest \(a tag\)/,
    );
    const refused = await run('promote', 'prod', 'dev', ...override);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('PROMOTION_REFUSED')]);
  }, 60_000);
});
