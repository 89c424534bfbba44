import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ran, runCli } from '../../../test/cli/pretend.ts';
import { type ConfigRepository, createConfigRepository } from '../../../test/environments.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../../../test/signing-place.ts';
import { systemClock } from '../../model/clock.ts';

/** A shop whose policy asks for a signature. */
let signing: SigningBench;
let registry: TestRegistry;
beforeAll(async () => {
  [signing, registry] = [await openSigningBench(), await openTestRegistry()];
});
afterAll(async () => {
  await registry.stop();
  await signing.close();
});

const signature = 'builtin.image.signature_check';
const rules = ['builtin.attestation.signature_check', signature];
const failedRuleOf = (image: string) => expect.stringMatching(new RegExp(`^Failed-Rule: \\S+ ${image}$`));
const override = ['--allow-unverified', '--reason', 'INC-7: "worse" without it'];

interface Shop {
  readonly config: ConfigRepository;
  readonly run: (...words: string[]) => Promise<Ran>;
  /** What git itself finds in the last commit. */
  readonly trailers: () => string[];
}

function openShop(kind: 'policy' | 'promotion' = 'policy'): Shop {
  const { issuer, subject } = signing.identity;
  const content =
    kind === 'policy'
      ? { identity: { issuer, subject } }
      : { identities: { ci: { issuer, subject } }, require: [{ type: 'image-signature', by: ['ci'] }] };
  const config = createConfigRepository(`- {name: shop/web, newName: ${registry.host}/shop/web}\n`, {
    environments: ['dev', 'prod']
      .map(name => `    ${name}: { path: overlays/${name}, ${kind}: "my ${kind}.yaml" }\n`)
      .join(''),
  });
  writeFileSync(join(config.project, `my ${kind}.yaml`), JSON.stringify(content));
  const env = {
    HOME: signing.folder,
    PATH: process.env['PATH'] ?? '',
    CG_SIGSTORE_DATA: signing.data,
  };
  return {
    config,
    run: (...words) =>
      runCli([...words, '--allow-local-trust'], { cwd: config.project, clock: systemClock, env }),
    trailers: () =>
      execFileSync('git', ['log', '-1', '--format=%(trailers)', 'main'], {
        cwd: config.remote,
        encoding: 'utf8',
      })
        .trim()
        .split('\n'),
  };
}

/** A word of the next command, as a shell takes it apart. */
function wordsOf(line: string): string[] {
  return execFileSync('sh', ['-c', `for word in ${line}; do printf '%s\\n' "$word"; done`], {
    encoding: 'utf8',
  })
    .trim()
    .split('\n');
}

const nextOf = ({ stdout }: Ran): string => JSON.parse(stdout).error.next;

async function release(word: string, isSigned: boolean): Promise<string> {
  const { reference } = await registry.image('shop/web', word);
  if (isSigned) {
    const env = { HOME: signing.folder, CG_SIGSTORE_DATA: signing.data };
    signing.write('provenance.json', {
      buildDefinition: { buildType: 'https://example.com/ci/v1', externalParameters: {} },
      runDetails: { builder: { id: signing.identity.subject } },
    });
    const predicate = ['--predicate', 'slsaprovenance1=provenance.json'];
    const { code } = await runCli(['attest', reference, '--sign', ...predicate, '--local'], {
      cwd: signing.folder,
      clock: systemClock,
      env,
    });
    expect(code).toBe(0);
  }
  return reference;
}

describe('an override of the policy', () => {
  it('pins what the policy denies, names each failed rule, and stands in the commit for ever', async () => {
    const shop = openShop();
    const image = await release('unsigned', false);
    const refused = await shop.run('bump', 'dev', image);
    expect([refused.code, shop.config.log()]).toEqual([1, ['Begin']]);
    const done = await shop.run('bump', 'dev', image, ...override, '--output', 'json');
    expect([done.code, done.stderr]).toEqual([
      0,
      expect.stringContaining(`its policy denies it: ${signature}:`),
    ]);
    expect(JSON.parse(done.stdout).unverified).toEqual([{ image, failed: rules }]);
    expect(shop.trailers()).toEqual([
      `Image: ${image}`,
      'Reason: INC-7: "worse" without it',
      'Evidence: unverified',
      ...rules.map(rule => `Failed-Rule: ${rule} ${image}`),
    ]);
  });

  it('is the same for promotion and rollback, and no override where the policy allows', async () => {
    const shop = openShop('promotion');
    const [old, good] = [await release('old', false), await release('good', true)];
    expect((await shop.run('bump', 'dev', old, ...override)).code).toBe(0);
    expect((await shop.run('promote', 'dev', 'prod')).code).toBe(1);
    expect((await shop.run('promote', 'dev', 'prod', ...override)).code).toBe(0);
    expect(shop.trailers()).toContainEqual(failedRuleOf(old));
    expect((await shop.run('bump', 'prod', good, ...override)).code).toBe(0);
    expect(shop.trailers()).toContain('Evidence: allow (local trust)');
    expect(shop.trailers().join()).not.toContain('Failed-Rule');
    const denied = await shop.run('rollback', 'prod');
    expect([denied.code, denied.stderr]).toEqual([1, expect.stringContaining('does not satisfy the policy')]);
    expect((await shop.run('rollback', 'prod', ...override)).code).toBe(0);
    expect(shop.config.show('overlays/prod/kustomization.yaml')).toContain(old.slice(old.indexOf('@') + 1));
    expect(shop.trailers()).toEqual(expect.arrayContaining(['Evidence: unverified', failedRuleOf(old)]));
  });

  it.each([
    ['bump', 'dev', 'localhost:1/a@sha256:0'],
    ['promote', 'dev', 'prod'],
    ['rollback', 'prod'],
  ])('needs a reason before anything is looked at: cg %s %s', async (...words) => {
    const shop = openShop();
    const { code, stderr } = await shop.run(...words, '--allow-unverified');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--reason TEXT')]);
    expect((await shop.run(...words, '--allow-unverified', '--reason', ' ')).code).toBe(2);
  });

  it('is refused where no commit would record it', async () => {
    const shop = openShop();
    const image = await release('tagged', false);
    const words = [
      'promote',
      image,
      '--tag',
      'stable',
      '--policy',
      join(shop.config.project, 'my policy.yaml'),
    ];
    const { code, stderr } = await shop.run(...words, ...override);
    expect([code, stderr]).toEqual([2, expect.stringContaining('no commit would record')]);
  });

  it('does not overrule what could not be judged', async () => {
    // It has every digest, and fails when it is asked what refers to it.
    const server = createServer((request, response) => {
      const isHead = request.method === 'HEAD';
      const type = 'application/vnd.oci.image.manifest.v1+json';
      response
        .writeHead(isHead ? 200 : 503, {
          'content-type': type,
          'content-length': isHead ? 2 : 0,
          'docker-content-digest': `sha256:${'1'.repeat(64)}`,
        })
        .end();
    });
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve);
    });
    try {
      const shop = openShop();
      const image = `127.0.0.1:${(server.address() as AddressInfo).port}/shop/web@sha256:${'1'.repeat(64)}`;
      const ran = await shop.run('bump', 'dev', `shop/web=${image}`, ...override, '--output', 'json');
      expect([ran.code, nextOf(ran)]).toEqual([3, expect.stringMatching(/^run the same command again/)]);
      expect(shop.config.log()).toEqual(['Begin']);
    } finally {
      server.close();
    }
  }, 60_000);
});

describe('the next command of a refusal', () => {
  it.each(['policy', 'promotion'] as const)('explains it by the %s that decided', async kind => {
    const shop = openShop(kind);
    const image = await release(`next ${kind}`, false);
    const refused = await shop.run('bump', 'dev', image, '--output', 'json');
    const [program, ...words] = wordsOf(nextOf(refused));
    expect([program, words]).toEqual(['cg', expect.arrayContaining(['explain', `--${kind}`])]);
    const explained = await runCli(words, {
      cwd: '/',
      clock: systemClock,
      env: { HOME: signing.folder, CG_SIGSTORE_DATA: signing.data },
    });
    expect([explained.code, explained.stderr]).toEqual([1, expect.not.stringContaining('error')]);
    expect(explained.stdout).toContain(kind === 'policy' ? signature : 'image-signature');
  });
});
