import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pretence, runCli } from '../../test/cli/pretend.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../../test/signing-place.ts';
import { flipSignature, storeChanged } from '../../test/stored-bundle.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import { systemClock } from '../model/clock.ts';
import { gitlabClaims } from '../trust/attest/local-sigstore/identity/development-identity.ts';

/** The promotion of an image on GitLab as it is usually written, with a local registry and Sigstore. */
let bench: SigningBench;
let registry: TestRegistry;
const access = new RegistryAccess({ env: {} });
const commit = '1a2b3c4d'.repeat(5);
const otherCommit = 'ffffffff'.repeat(5);
const subject = 'https://gitlab.com/group/app//.gitlab-ci.yml@refs/heads/main';
const validate = ['validate', 'image', '--images', 'images.yaml', '--policy', 'policy.yaml'];

beforeAll(async () => {
  bench = await openSigningBench();
  registry = await openTestRegistry();
  bench.write(
    'policy.yaml',
    `identity:
  issuer: ${bench.sigstore.issuer}
  subject: ${subject}
sources:
- policy:
  - github.com/enterprise-contract/ec-policies//policy/lib
  - github.com/enterprise-contract/ec-policies//policy/release
  config:
    include: [slsa_source_correlated]
`,
  );
  bench.write('provenance.json', provenance(commit));
});
afterAll(async () => {
  access.close();
  await registry.stop();
  await bench.close();
});

const provenance = (revision: string, repository = 'https://gitlab.com/group/app') => ({
  buildDefinition: {
    buildType: 'https://example.com/gitlab/v1',
    externalParameters: {},
    resolvedDependencies: [{ uri: `git+${repository}`, digest: { gitCommit: revision } }],
  },
  runDetails: { builder: { id: subject } },
});

function cli(words: readonly string[], more: Pretence = {}) {
  const env = { HOME: bench.folder, CG_SIGSTORE_DATA: bench.data, ...more.env };
  return runCli(words, { cwd: bench.folder, clock: systemClock, ...more, env });
}

const token = (project = 'group/app') => ({
  SIGSTORE_ID_TOKEN: bench.token(gitlabClaims({ project_path: project, sha: commit })),
});

function writeImages(image: string, revision = commit): void {
  bench.write(
    'images.yaml',
    `components:
- name: app
  containerImage: "${image}"
  source: {git: {url: "https://gitlab.com/group/app", revision: "${revision}"}}
`,
  );
}

async function run(words: readonly string[], env: Record<string, string> = {}) {
  const ran = await cli(words, { env });
  expect(ran, `${words.join(' ')}\n${ran.stdout}\n${ran.stderr}`).toMatchObject({ code: 0 });
}

const attestWords = ['--predicate', 'slsaprovenance1=provenance.json', '--local'];

async function released(repository: string, env = token(), shape = 'both'): Promise<string> {
  const { reference } = await registry.image(repository);
  await run(['attest', reference, '--sign', ...attestWords, '--shape', shape], env);
  return reference;
}

interface Report {
  readonly success: boolean;
  readonly components: readonly {
    readonly violations?: readonly { msg: string; metadata: { code: string; term?: string } }[];
  }[];
  readonly cascadeguard: { readonly decision: string };
}

async function judge(...words: readonly string[]) {
  const { code, stdout, stderr } = await cli([
    ...validate,
    '--allow-local-trust',
    '--output',
    'json',
    ...words,
  ]);
  const report = JSON.parse(stdout || 'null') as Report | null;
  const violations = (report?.components ?? []).flatMap(component => component.violations ?? []);
  return {
    code,
    stdout,
    stderr,
    codes: violations.map(({ metadata }) => metadata.code),
    sentences: violations.map(({ msg }) => msg),
  };
}

describe('the gate of a promotion', () => {
  it('lets the image of the expected commit pass, and says what it looked at', async () => {
    writeImages(await released('gate/good'));
    const { code, stdout } = await cli([...validate, '--allow-local-trust', '--show-successes']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Result: SUCCESS')]);
    expect(stdout).toContain('✓ [Success] slsa_source_correlated.expected_source_code_reference');
    expect(stdout).toContain('✓ [Success] builtin.image.signature_check');
    expect(stdout).toContain('NOT FOR PRODUCTION');
  });

  it('denies another commit with the upstream code and sentence', async () => {
    writeImages(await released('gate/commit'), otherCommit);
    const { code, codes, sentences } = await judge();
    expect([code, codes]).toEqual([1, ['slsa_source_correlated.expected_source_code_reference']]);
    expect(sentences).toEqual([
      `The expected source code reference "git+https://gitlab.com/group/app@${otherCommit}" is not attested`,
    ]);
  });

  it('denies another identity, and says who was wanted and who it was', async () => {
    writeImages(await released('gate/identity', token('evil/app')));
    const { code, codes, sentences, stdout } = await judge();
    expect([code, codes]).toEqual([
      1,
      ['builtin.attestation.signature_check', 'builtin.image.signature_check'],
    ]);
    expect(sentences[1]).toMatch(/^Image signature check failed: .*signed by somebody else/);
    expect(stdout).toContain('"got": "https://gitlab.com/evil/app//.gitlab-ci.yml@refs/heads/main');
  });

  it('denies what nobody signed, and what nobody attested', async () => {
    const unsigned = await registry.image('gate/unsigned');
    await run(['attest', unsigned.reference, ...attestWords], token());
    writeImages(unsigned.reference);
    expect(await judge()).toMatchObject({
      code: 1,
      codes: ['builtin.image.signature_check'],
      sentences: ['Image signature check failed: no signatures found'],
    });
    const unattested = await registry.image('gate/unattested');
    await run(['sign', unattested.reference, '--local'], token());
    writeImages(unattested.reference);
    expect(await judge()).toMatchObject({
      code: 1,
      codes: ['builtin.attestation.signature_check'],
      sentences: ['Image attestation check failed: no attestations found'],
    });
  });

  it('denies tampered evidence', async () => {
    const model = await registry.image('gate/model');
    await run(['sign', model.reference, '--local', '--shape', 'bundle'], token());
    const { reference } = await registry.image('gate/tampered');
    await run(['attest', reference, ...attestWords], token());
    await storeChanged(access, model.reference, flipSignature, reference);
    writeImages(reference);
    const { code, codes, sentences } = await judge();
    expect([code, codes]).toEqual([1, ['builtin.image.signature_check']]);
    expect(sentences[0]).toMatch(
      /no acceptable signatures among 1 item: .*\((?:signature|log-content-differs|log)\)/,
    );
  });

  it('takes nothing of a local Sigstore unless that is said, and names the rule', async () => {
    writeImages(await released('gate/local'));
    const { code, stdout } = await cli([...validate, '--output', 'json']);
    expect([code, stdout]).toEqual([1, expect.stringContaining('"code": "evidence.local_trust"')]);
  });

  it('answers with 2 when it cannot ask, 3 when it cannot look, and never with an allow', async () => {
    writeImages(await released('gate/codes'));
    const policy = readFileSync(join(bench.folder, 'policy.yaml'), 'utf8');
    writeFileSync(
      join(bench.folder, 'typo.yaml'),
      policy.replace('slsa_source_correlated', 'slsa_source_corelated'),
    );
    const typo = await cli([
      'gate',
      '--images',
      'images.yaml',
      '--policy',
      'typo.yaml',
      '--allow-local-trust',
    ]);
    expect([typo.code, typo.stdout]).toEqual([2, '']);
    expect(typo.stderr).toMatch(/typo\.yaml:9:15/);
    expect(typo.stderr).toContain('did you mean "slsa_source_correlated"?');
    const away = await cli([
      'gate',
      '127.0.0.1:1/group/app:1',
      '--policy',
      'policy.yaml',
      '--allow-local-trust',
    ]);
    expect([away.code, away.stdout]).toEqual([3, expect.stringContaining('Result: ERROR')]);
    const absent = await cli([
      'gate',
      `${registry.host}/gate/codes:nothing`,
      '--policy',
      'policy.yaml',
      '--allow-local-trust',
    ]);
    expect([absent.code, absent.stdout]).toEqual([1, expect.stringContaining('builtin.image.accessible')]);
  });

  it('gives the same bytes again from a record, in every format', async () => {
    writeImages(await released('gate/record'), otherCommit);
    const first = await judge(
      '--record',
      'record.json',
      '--show-successes',
      '--info',
      '--output',
      'junit=gate.xml',
    );
    expect(first.code).toBe(1);
    for (const format of ['json', 'yaml', 'junit', 'sarif', 'summary-markdown', 'text']) {
      const again = () =>
        cli(['gate', '--replay', 'record.json', '--show-successes', '--info', '--output', format]);
      const [one, two] = [await again(), await again()];
      expect([format, one.code, one.stdout]).toEqual([format, 1, two.stdout]);
      if (format === 'json') expect(one.stdout).toBe(first.stdout);
      if (format === 'junit') expect(one.stdout).toBe(readFileSync(join(bench.folder, 'gate.xml'), 'utf8'));
    }
  });

  it('takes documents on the command line, several inputs, and names each image once', async () => {
    const reference = await released('gate/inline');
    const source = { git: { url: 'https://gitlab.com/group/app', revision: commit } };
    const images = JSON.stringify({ components: [{ name: 'app', containerImage: reference, source }] });
    const policy = readFileSync(join(bench.folder, 'policy.yaml'), 'utf8');
    const words = [
      'gate',
      reference,
      '--images',
      images,
      '--snapshot',
      images,
      '--policy',
      policy,
      '--allow-local-trust',
    ];
    const { code, stdout } = await cli(words);
    expect([code, stdout.match(/^ImageRef: /gm)?.length, stdout.includes('Component: app')]).toEqual([
      0,
      1,
      true,
    ]);
  });

  it('believes a key instead of an identity, from a file or from the policy itself', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    bench.write('my.key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    bench.write('my.pub', pem);
    const { reference } = await registry.image('gate/key');
    await run([
      'attest',
      reference,
      '--sign',
      '--key',
      'my.key',
      '--predicate',
      'slsaprovenance1=provenance.json',
      '--local',
    ]);
    const gate = (...words: readonly string[]) => cli(['gate', reference, '--allow-local-trust', ...words]);
    expect((await gate('--public-key', 'my.pub')).code).toBe(0);
    expect((await gate('--policy', JSON.stringify({ publicKey: pem }))).code).toBe(0);
    expect((await gate('--policy', JSON.stringify({ publicKey: 'my.pub' }))).code).toBe(0);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ type: 'spki', format: 'pem' })
      .toString();
    expect(await gate('--policy', JSON.stringify({ publicKey: other }))).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('No image signatures found matching the given public key.'),
    });
    expect((await gate('--policy', 'policy.yaml')).code).toBe(1);
  });

  it('needs no policy.yaml where promotion.yaml says who must have made what', async () => {
    const reference = await released('gate/promotion');
    const ci = { issuer: bench.sigstore.issuer, subject };
    const require = [
      { type: 'image-signature', by: ['ci'] },
      { type: 'slsaprovenance1', by: ['ci'], builders: [subject] },
    ];
    const gate = () => cli(['gate', reference, '--promotion', 'promotion.yaml', '--allow-local-trust']);
    bench.write('promotion.yaml', { identities: { ci }, require });
    expect(await gate()).toMatchObject({ code: 0 });
    bench.write('promotion.yaml', {
      identities: { ci },
      require: [...require, { type: 'spdxjson', by: ['ci'] }],
    });
    expect(await gate()).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('evidence.required_types'),
    });
    bench.write('promotion.yaml', {
      identities: { ci, audit: { ...ci, subject: 'https://audit.example' } },
      require: [...require, { type: 'image-signature', by: ['audit'] }],
    });
    expect(await gate()).toMatchObject({ code: 1, stdout: expect.stringContaining('https://audit.example') });
  });

  it('asks every platform of an index for itself, unless they inherit', async () => {
    const { reference } = await registry.index('gate/index');
    await run(['attest', reference, '--sign', ...attestWords], token());
    const gate = (...words: readonly string[]) =>
      cli(['gate', reference, '--policy', 'identity.yaml', '--allow-local-trust', ...words]);
    bench.write('identity.yaml', { identity: { issuer: bench.sigstore.issuer, subject } });
    const own = await gate();
    expect([
      own.code,
      own.stdout.match(/- Name: Unnamed-sha256:[0-9a-f]{64}-(?:amd64|arm64)/g)?.length,
    ]).toEqual([1, 2]);
    bench.write('promotion.yaml', { children: 'inherit' });
    expect((await gate('--promotion', 'promotion.yaml')).code).toBe(0);
    await run(['attest', reference, '--sign', '--recursive', ...attestWords], token());
    expect((await gate()).code).toBe(0);
  });

  it('judges the others when one image cannot be looked at, and then gives no allow', async () => {
    const good = await released('gate/beside');
    bench.write('identity.yaml', { identity: { issuer: bench.sigstore.issuer, subject } });
    const words = [
      'gate',
      good,
      '127.0.0.1:1/group/app:1',
      '--policy',
      'identity.yaml',
      '--allow-local-trust',
    ];
    const { code, stdout } = await cli([...words, '--output', 'json']);
    const { cascadeguard } = JSON.parse(stdout) as { cascadeguard: { components: { decision: string }[] } };
    expect([code, cascadeguard.components.map(({ decision }) => decision)]).toEqual([
      3,
      ['allow', 'indeterminate'],
    ]);
    expect((await cli([...words, '--no-strict'])).code).toBe(3);
  });

  it('gives up on a registry that does not answer, and that is no verdict', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = silent.address() as AddressInfo;
      const { code, stdout } = await cli([
        'gate',
        `127.0.0.1:${port}/a/b:1`,
        '--policy',
        'policy.yaml',
        '--allow-local-trust',
        '--timeout',
        '1s',
      ]);
      expect([code, stdout]).toEqual([3, expect.stringContaining('did not answer in the time')]);
    } finally {
      silent.close();
      silent.closeAllConnections();
    }
  });

  it('takes a time in the past only when that is said, and the time of each build when asked', async () => {
    writeImages(await released('gate/time'));
    const past = ['--effective-time', '2025-01-01'];
    expect((await cli([...validate, '--allow-local-trust', ...past])).code).toBe(2);
    const { code, stdout } = await judge(...past, '--allow-past-effective-time');
    expect([code, stdout]).toEqual([0, expect.stringContaining('"effective-time": "2025-01-01T00:00:00Z"')]);
    expect((await judge('--effective-time', 'attestation')).code).toBe(0);
    expect((await cli([...validate, '--effective-time', 'soon'])).code).toBe(2);
  });

  it('stays bounded, and says where it is, on hostile policies and components files', async () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij'].map((name, at) => `${name}: &${name} [${`*${'abcdefghij'[at]},`.repeat(9)}]`).join('\n')}\n`;
    const texts = [
      bomb,
      `${'{a: '.repeat(5000)}1`,
      '['.repeat(100_000),
      'x'.repeat(2_000_000),
      'sources: 7\n',
      '- a\n',
      'identity: {issuer: [}\n',
      '',
    ];
    for (const text of texts) {
      bench.write('hostile.yaml', text);
      const policy = await cli(['gate', '127.0.0.1:1/a/b:1', '--policy', 'hostile.yaml']);
      const images = await cli(['gate', '--images', 'hostile.yaml', '--policy', 'policy.yaml']);
      const record = await cli(['gate', '--replay', 'hostile.yaml']);
      expect([policy.code, images.code, record.code]).toEqual([2, 2, 2]);
    }
  });
});
