import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { open } from '../../src/image/oci/open.ts';
import { frozenClock } from '../../src/model/clock.ts';
import { reachRegistries } from '../../src/workflow/reach-registries.ts';
import { writeContext } from '../built-image.ts';
import { imageOf, pushImage } from '../images.ts';
import { useRegistry } from '../running-registry.ts';
import { runCli } from './pretend.ts';

const bench = useRegistry();

function problemsOf(name: string, json: string): unknown {
  const file = join(import.meta.dirname, `../../schema/output/${name}.schema.json`);
  const validate = new Ajv2020({ strict: true, allErrors: true }).compile(
    JSON.parse(readFileSync(file, 'utf8')),
  );
  return validate(JSON.parse(json)) ? [] : validate.errors;
}

describe('cg images', () => {
  it('goes from enrolment to a plan, and prints what its schemas say', async () => {
    await bench.start();
    const host = new URL(bench.registry?.url ?? '').host;
    const push = async (word: string) =>
      await reachRegistries({ env: {} }, [], async access => {
        const { registry } = await open(`${host}/up/os:1`, access, { to: 'write' });
        return await pushImage(registry, imageOf(word), '1');
      });
    await push('one');
    const cwd = await writeContext({ 'web/Dockerfile': `FROM ${host}/up/os:1\n` });
    try {
      const run = async (at: string, ...words: string[]) =>
        await runCli(['images', ...words], { cwd, env: { HOME: cwd }, clock: frozenClock(at) });
      const json = async (at: string, ...words: string[]) => {
        const { stdout, stderr, code } = await run(at, ...words, '--output', 'json');
        const name = `images-${words[0] ?? ''}`;
        expect({ name, problems: stdout === '' ? stderr : problemsOf(name, stdout) }).toEqual({
          name,
          problems: [],
        });
        return code;
      };
      const [first, later, last] = ['2026-03-01T00:00:00Z', '2026-03-04T00:00:00Z', '2026-03-09T00:00:00Z'];
      await json(
        first,
        'enrol',
        '--name',
        'web',
        '--registry',
        host,
        '--repository',
        'shop/web',
        '--dockerfile',
        'web/Dockerfile',
      );
      expect(await json(first, 'validate')).toBe(0);
      expect(await json(first, 'generate')).toBe(0);
      // What learns nothing writes nothing.
      expect(await json(first, 'generate', '--check')).toBe(0);
      await json(later, 'check', '--no-commit');
      expect(readFileSync(join(cwd, 'web/Dockerfile'), 'utf8')).toMatch(
        /^FROM \S+\/up\/os:1@sha256:\w{64}\n$/,
      );
      const second = await push('two');
      expect(await json(later, 'check')).toBe(1);
      await json(last, 'status');
      await json(last, 'plan');
      expect((await run(last, 'plan')).stdout).toMatch(
        new RegExp(`^Wave \\d\n {2}web +due .*→ ${second.slice(0, 14)}`),
      );
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  });
});
