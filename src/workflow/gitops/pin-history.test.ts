import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createConfigRepository } from '../../../test/environments.ts';
import { readBranch } from '../../delivery/git/change-branch.ts';
import { readEnvironment } from './edit-environment.ts';
import { type PinHistories, readPinHistories } from './pin-history.ts';

const environment = { name: 'dev', path: 'overlays/dev', soak: 0 };
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** One version of the file for each text, and what its history tells; with how many programs git was started. */
async function historiesOf(
  versions: readonly string[],
): Promise<{ histories: PinHistories; starts: number }> {
  const [first = '', ...later] = versions;
  const config = createConfigRepository(first);
  const work = join(config.project, 'work');
  execFileSync('git', ['clone', '--quiet', config.remote, work]);
  for (const images of later) {
    writeFileSync(join(work, 'overlays/dev/kustomization.yaml'), `images:\n${images}`);
    const git = ['-C', work, '-c', 'user.name=t', '-c', 'user.email=t@example.com'];
    execFileSync('git', [...git, 'commit', '--quiet', '--allow-empty', '-am', 'Next']);
  }
  execFileSync('git', ['-C', work, 'push', '--quiet', 'origin', 'HEAD:main']);
  const folder = mkdtempSync(join(tmpdir(), 'cg-count-'));
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  writeFileSync(join(folder, 'git'), `#!/bin/sh\necho >> '${folder}/starts'\nexec '${real}' "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(folder, 'starts'), '');
  const env = { PATH: `${folder}${delimiter}${process.env['PATH']}`, HOME: '/nonexistent' };
  const reach = { remote: config.remote, branch: 'main', env, wholeHistory: true };
  return await readBranch(reach, async head => {
    const file = await readEnvironment(head, environment);
    const count = () =>
      Number(execFileSync('wc', ['-l', join(folder, 'starts')], { encoding: 'utf8' }).split(' ')[0]);
    const before = count();
    const histories = await readPinHistories(head, file);
    return { histories, starts: count() - before };
  });
}

describe('the history of the pins of an environment', () => {
  it('tells of every entry its digest and the one before, each since the commit that brought it', async () => {
    const { histories } = await historiesOf([
      `- {name: a, digest: ${digest('1')}}\n- {name: b, newTag: v1}\n`,
      `- {name: a, digest: ${digest('2')}}\n- {name: b, digest: ${digest('3')}}\n`,
      'no: [yaml\n',
      `- {name: a, digest: ${digest('2')}} # kept\n- {name: b, digest: ${digest('3')}, newTag: v2}\n`,
      `- {name: a, digest: ${digest('1')}}\n- {name: b, digest: ${digest('3')}, newTag: v2}\n- {name: c, newTag: é}\n`,
    ]);
    const digests = [...histories].map(([name, past]) => [name, past.map(one => one.digest)]);
    expect(digests).toEqual([
      ['a', [digest('1'), digest('2')]],
      ['b', [digest('3')]],
      ['c', []],
    ]);
    // The commit of the second version brought both, and what came later only kept them.
    expect(histories.get('a')?.[1]?.commit).toBe(histories.get('b')?.[0]?.commit);
  });

  it('asks git a handful of times, however many entries and commits there are', async () => {
    const entries = Array.from(
      { length: 40 },
      (_, at) => `- {name: svc${at}, digest: ${digest('a')}}\n`,
    ).join('');
    const versions = Array.from({ length: 30 }, (_, at) => `${entries}- {name: last, newTag: v${at}}\n`);
    const { histories, starts } = await historiesOf(versions);
    expect([histories.size, histories.get('svc7')?.length, starts <= 4]).toEqual([41, 1, true]);
  }, 30_000);
});
