import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkCall } from '../../test/cli/check-call.ts';
import { runCli } from '../../test/cli/pretend.ts';
import { blobOf, imageOf, manifestOf, pushImage, sha256, type TestImage } from '../../test/images.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../../test/signing-place.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import { open } from '../image/oci/open.ts';
import { systemClock } from '../model/clock.ts';
import { mediaTypes } from '../model/descriptor.ts';
import { gitlabClaims } from '../trust/attest/local-sigstore/identity/development-identity.ts';
import type { Denial, Explanation, FilePatch, Fix } from './explain-image.ts';

/** Every printed fix is done for real, with the commands as they are printed, and then the gate is asked again. */
let bench: SigningBench;
let registry: TestRegistry;
const access = new RegistryAccess({ env: {} });
const commit = '1a2b3c4d'.repeat(5);
const otherCommit = 'ffffffff'.repeat(5);
const subject = 'https://gitlab.com/group/app//.gitlab-ci.yml@refs/heads/main';
const inputs = ['--images', 'images.yaml', '--policy', 'policy.yaml', '--allow-local-trust'];

beforeAll(async () => {
  bench = await openSigningBench();
  registry = await openTestRegistry();
  bench.write('provenance.json', provenance());
});
afterAll(async () => {
  access.close();
  await registry.stop();
  await bench.close();
});

const hour = 3_600_000;
const timeAgo = (age: number) => new Date(Date.now() - age).toISOString().replace(/\.\d{3}Z$/, 'Z');

const provenance = (revision = commit, builder = subject) => ({
  buildDefinition: {
    buildType: 'https://example.com/gitlab/v1',
    externalParameters: {},
    resolvedDependencies: [{ uri: 'git+https://gitlab.com/group/app', digest: { gitCommit: revision } }],
  },
  runDetails: { builder: { id: builder } },
});

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly fixed?: string;
  readonly layer?: string;
}

const trivy = (findings: readonly Finding[], age = 0) => ({
  scanner: {
    uri: 'pkg:github/aquasecurity/trivy@0.74.0',
    db: { version: `2 ${timeAgo(age + hour)}` },
    result: {
      SchemaVersion: 2,
      Results: [
        {
          Target: 'app',
          Vulnerabilities: findings.map(({ id, severity, fixed, layer }) => ({
            VulnerabilityID: id,
            PkgName: 'libssl3',
            InstalledVersion: '3.0.1',
            Severity: severity,
            ...(fixed !== undefined && { FixedVersion: fixed }),
            ...(layer !== undefined && { Layer: { DiffID: layer } }),
          })),
        },
      ],
    },
  },
  metadata: { scanStartedOn: timeAgo(age), scanFinishedOn: timeAgo(age) },
});

const grype = () => ({
  scanner: {
    uri: 'pkg:github/anchore/grype@0.90.0',
    db: { version: timeAgo(hour) },
    result: { matches: [], descriptor: { name: 'grype' } },
  },
  metadata: { scanStartedOn: timeAgo(0), scanFinishedOn: timeAgo(0) },
});

const spdx = (digest: string) => ({
  spdxVersion: 'SPDX-2.3',
  SPDXID: 'SPDXRef-DOCUMENT',
  name: 'app',
  dataLicense: 'CC0-1.0',
  documentNamespace: 'https://example.com/app',
  creationInfo: { created: timeAgo(0), creators: ['Tool: test'] },
  documentDescribes: ['SPDXRef-image'],
  packages: [{ SPDXID: 'SPDXRef-image', name: 'app', versionInfo: digest }],
});

async function cli(words: readonly string[], project = 'group/app') {
  const token = bench.token(gitlabClaims({ project_path: project, sha: commit }));
  const env = { HOME: bench.folder, CG_SIGSTORE_DATA: bench.data, SIGSTORE_ID_TOKEN: token };
  return await runCli(words, { cwd: bench.folder, clock: systemClock, env });
}

async function run(words: readonly string[], project?: string): Promise<void> {
  const ran = await cli(words, project);
  expect(ran, `cg ${words.join(' ')}\n${ran.stdout}\n${ran.stderr}`).toMatchObject({ code: 0 });
}

interface Case {
  readonly image: string;
  readonly revision?: string;
  readonly include?: readonly string[];
  readonly ruleData?: object;
  readonly volatileConfig?: object;
  readonly promotion?: object;
}

let flags: readonly string[] = [];

function write({ image, revision = commit, include = [], ruleData, volatileConfig, promotion }: Case): void {
  const identity = { issuer: bench.sigstore.issuer, subject };
  const policy = ['github.com/conforma/policy//policy/lib', 'github.com/conforma/policy//policy/release'];
  const source = {
    policy,
    config: { include },
    ...(ruleData && { ruleData }),
    ...(volatileConfig && { volatileConfig }),
  };
  bench.write('policy.yaml', { identity, ...(include.length > 0 && { sources: [source] }) });
  bench.write('images.yaml', {
    components: [
      {
        name: 'app',
        containerImage: image,
        source: { git: { url: 'https://gitlab.com/group/app', revision } },
      },
    ],
  });
  flags = promotion === undefined ? inputs : [...inputs, '--promotion', 'promotion.yaml'];
  if (promotion !== undefined) bench.write('promotion.yaml', promotion);
}

async function explained(): Promise<readonly Denial[]> {
  const { code, stdout, stderr } = await cli(['explain', ...flags, '--output', 'json']);
  expect({ code, stderr }).toMatchObject({ code: 1 });
  const { components } = JSON.parse(stdout) as Explanation;
  return components.flatMap(({ denials }) => denials);
}

async function violations(): Promise<{ code: number; codes: string[] }> {
  const { code, stdout, stderr } = await cli(['gate', ...flags, '--output', 'json']);
  expect(stdout, stderr).not.toBe('');
  const { components } = JSON.parse(stdout) as {
    components: { violations?: { metadata: { code: string; term?: string } }[] }[];
  };
  const found = components.flatMap(component => component.violations ?? []);
  return {
    code,
    codes: found.map(({ metadata: { code: rule, term } }) => (term === undefined ? rule : `${rule}:${term}`)),
  };
}

/** Does what the fix says. Programs that make predicates are other stories: their files lie ready. */
async function carryOut(fix: Fix, rebuilt: () => Promise<string>): Promise<void> {
  const needsImage = fix.commands.some(command => command.includes('@NEW'));
  const fresh = needsImage ? await rebuilt() : '';
  for (const command of fix.commands) {
    const words = command
      .replaceAll(/\S+@NEW/g, fresh)
      .split(' ')
      .slice(1);
    await checkCall(words);
    if (['provenance', 'sbom', 'scan', 'gate'].includes(words[0] ?? '')) continue;
    await run(words);
  }
  if (fix.patch !== undefined) patch(fix.patch);
  if (needsImage)
    patch({
      file: 'components',
      steps: [{ op: 'replace', path: '/components/0/containerImage', value: fresh }],
    });
}

function patch({ file, steps }: FilePatch): void {
  const name = file === 'components' ? 'images.yaml' : 'policy.yaml';
  const document: unknown = parse(readFileSync(join(bench.folder, name), 'utf8'));
  for (const { path, value } of steps) {
    const parts = path.split('/').slice(1);
    const last = parts.pop() ?? '';
    const node = parts.reduce((at, part) => (at as Record<string, unknown>)[part], document) as
      | Record<string, unknown>
      | unknown[];
    if (Array.isArray(node) && last === '-') node.push(value);
    else (node as Record<string, unknown>)[last] = value;
  }
  bench.write(name, document as object);
}

async function proveFix(
  wanted: Fix | undefined,
  rebuilt: () => Promise<string> = () => Promise.reject(new Error('no new image')),
) {
  if (wanted === undefined) throw new Error('no such fix');
  const before = await violations();
  for (const flip of wanted.flips) expect(before.codes).toContain(flip);
  await carryOut(wanted, rebuilt);
  const after = await violations();
  for (const flip of wanted.flips) expect(after.codes).not.toContain(flip);
  expect(after.code === 0 ? 'allow' : 'deny').toBe(wanted.verdictAfter);
}

async function released(
  repository: string,
  predicate: object = provenance(),
  project = 'group/app',
): Promise<string> {
  const { reference } = await registry.image(repository);
  bench.write('made.json', predicate);
  await run(['attest', reference, '--sign', '--predicate', 'slsaprovenance1=made.json', '--local'], project);
  return reference;
}

async function attestTo(reference: string, type: string, predicate: object): Promise<void> {
  bench.write('made.json', predicate);
  await run(['attest', reference, '--predicate', `${type}=made.json`, '--local']);
}

const only = (denials: readonly Denial[], code: string): Denial => {
  const found = denials.find(denial => denial.code === code);
  if (found === undefined)
    throw new Error(`no denial ${code} in ${denials.map(denial => denial.code).join(', ')}`);
  return found;
};
const fixOf = (denial: Denial, kind: Fix['kind']) => denial.fixes.find(fix => fix.kind === kind);

const scansWanted = {
  require: [{ type: 'vuln', scanners: ['trivy', 'grype'], maxAge: '168h', failOn: 'high' }],
};

describe('a printed fix turns the verdict when it is carried out:', () => {
  it('signing what is unsigned', async () => {
    const { reference } = await registry.image('explain/unsigned');
    await attestTo(reference, 'slsaprovenance1', provenance());
    write({ image: reference });
    const denial = only(await explained(), 'builtin.image.signature_check');
    expect(denial).toMatchObject({ cause: 'unsigned', got: 'none', fixes: [{ verdictAfter: 'allow' }] });
    await proveFix(denial.fixes[0]);
  });

  it('signing as the right one, or expecting the pipeline that signed when it is of the expected repository', async () => {
    write({ image: await released('explain/identity', provenance(), 'evil/app') });
    const foreign = await explained();
    expect(foreign.map(({ cause }) => cause)).toEqual(['wrong-identity', 'wrong-identity']);
    expect(foreign.flatMap(({ fixes }) => fixes).some(({ kind }) => kind === 'identity')).toBe(false);
    await proveFix(fixOf(only(foreign, 'builtin.image.signature_check'), 'evidence'));
    await proveFix(fixOf(only(await explained(), 'builtin.attestation.signature_check'), 'evidence'));
    write({ image: await released('explain/branch') });
    patch({
      file: 'policy',
      steps: [{ op: 'replace', path: '/identity/subject', value: subject.replace('main', 'release') }],
    });
    const own = only(await explained(), 'builtin.image.signature_check');
    expect(own.fixes.at(-1)).toMatchObject({
      kind: 'identity',
      verdictAfter: 'allow',
      warning: expect.any(String),
    });
    await proveFix(own.fixes.at(-1));
  });

  it('attesting how it was built', async () => {
    const { reference } = await registry.image('explain/unattested');
    await run(['sign', reference, '--local']);
    write({ image: reference, include: ['slsa_source_correlated'] });
    const denial = only(await explained(), 'builtin.attestation.signature_check');
    expect(denial.cause).toBe('no-provenance');
    await proveFix(denial.fixes[0]);
  });

  it('expecting the commit that was built, or building the one that is expected', async () => {
    write({
      image: await released('explain/commit'),
      revision: otherCommit,
      include: ['slsa_source_correlated'],
    });
    const denial = only(await explained(), 'slsa_source_correlated.expected_source_code_reference');
    expect(denial).toMatchObject({
      cause: 'wrong-commit',
      wanted: expect.stringContaining(otherCommit),
      got: expect.stringContaining(commit),
    });
    expect(denial.fixes.map(({ kind }) => kind)).toEqual(['evidence', 'source', 'policy']);
    await proveFix(fixOf(denial, 'source'));
    write({
      image: await released('explain/commit-2'),
      revision: otherCommit,
      include: ['slsa_source_correlated'],
    });
    bench.write('provenance.json', provenance(otherCommit));
    await proveFix(
      fixOf(only(await explained(), denial.code), 'evidence'),
      async () => (await registry.image('explain/commit-2')).reference,
    );
    bench.write('provenance.json', provenance());
  });

  it('building with a builder that is trusted', async () => {
    const trusted = { ruleData: { allowed_builder_ids: [subject] }, include: ['slsa_build_build_service'] };
    write({
      image: await released('explain/builder', provenance(commit, 'https://evil.example/laptop')),
      ...trusted,
    });
    const denial = only(await explained(), 'slsa_build_build_service.slsa_builder_id_accepted');
    expect(denial).toMatchObject({
      cause: 'foreign-builder',
      got: 'https://evil.example/laptop',
      wanted: subject,
    });
    await proveFix(
      fixOf(denial, 'evidence'),
      async () => (await registry.image('explain/builder')).reference,
    );
  });

  it('attesting an SBOM, that describes this very image', async () => {
    const reference = await released('explain/sbom');
    write({ image: reference, include: ['sbom.found', 'sbom_spdx'] });
    const denials = await explained();
    const denial = only(denials, 'sbom.found');
    expect([denial.cause, denial.fixes[0]?.verdictAfter]).toEqual(['no-sbom', 'allow']);
    bench.write('sbom.json', spdx(reference.slice(reference.indexOf('@') + 1)));
    await proveFix(denial.fixes[0]);
  });

  it('scanning with the scanner that did not look', async () => {
    const reference = await released('explain/scans');
    await attestTo(reference, 'vuln', trivy([]));
    write({ image: reference, promotion: scansWanted });
    const denial = only(await explained(), 'vuln.both_scanners');
    expect(denial).toMatchObject({
      cause: 'scan-missing',
      term: 'grype',
      fixes: [{ verdictAfter: 'allow' }],
    });
    bench.write('scan.json', grype());
    await proveFix(denial.fixes[0]);
  });

  it('scanning again what was scanned too long ago', async () => {
    const reference = await released('explain/stale');
    await attestTo(reference, 'vuln', trivy([], 200 * hour));
    await attestTo(reference, 'vuln', grype());
    write({ image: reference, promotion: scansWanted });
    const denial = only(await explained(), 'vuln.scan_fresh');
    expect(denial).toMatchObject({ cause: 'scan-stale', wanted: 'at most 168h' });
    bench.write('scan.json', trivy([]));
    await proveFix(denial.fixes[0]);
  });

  it('scanning again with our own engine, which evidence calls by the name of the program', async () => {
    const reference = await released('explain/own-engine');
    const ours = (age = 0) => {
      const said = trivy([], age);
      return {
        ...said,
        scanner: { ...said.scanner, uri: 'pkg:npm/cascadeguard@0.1.0', result: { findings: [] } },
      };
    };
    await attestTo(reference, 'vuln', ours(200 * hour));
    const wanted = { type: 'vuln', scanners: ['cascadeguard'], maxAge: '168h', failOn: 'high' };
    write({ image: reference, promotion: { require: [wanted] } });
    const denial = only(await explained(), 'vuln.scan_fresh');
    expect(denial.fixes[0]?.commands[0]).toContain('--engine embedded');
    bench.write('scan.json', ours());
    await proveFix(denial.fixes[0]);
  });

  it('building on a newer base, when a fixable finding comes from it', async () => {
    const { image, base } = onBase('explain/finding', 'explain/base');
    const { reference } = await pushed(base, image);
    const findings = [
      { id: 'CVE-2026-1', severity: 'HIGH', fixed: '3.0.9', layer: sha256(Buffer.from('base layer')) },
    ];
    await attestAll(reference, findings);
    write({ image: reference, promotion: scansWanted });
    const denial = only(await explained(), 'vuln.threshold');
    expect(denial).toMatchObject({ cause: 'finding-from-base', term: 'CVE-2026-1' });
    expect(denial.fixes[0]?.title).toContain(`${registry.host}/explain/base:1`);
    await proveFix(denial.fixes[0], rebuiltClean('explain/finding'));
  });

  it('upgrading a package of ours', async () => {
    const { image, base } = onBase('explain/ours', 'explain/base');
    const { reference } = await pushed(base, image);
    const findings = [
      { id: 'CVE-2026-2', severity: 'CRITICAL', fixed: '3.0.9', layer: sha256(Buffer.from('layer of ours')) },
    ];
    await attestAll(reference, findings);
    write({ image: reference, promotion: scansWanted });
    const denial = only(await explained(), 'vuln.threshold');
    expect(denial.cause).toBe('finding-of-ours');
    expect(denial.fixes[0]?.title).toContain('Upgrade libssl3 from 3.0.1 to 3.0.9');
    await proveFix(denial.fixes[0], rebuiltClean('explain/ours'));
  });

  it('using the tag that exists', async () => {
    const reference = await released('explain/tag');
    write({ image: reference.replace(/@.*/, ':2') });
    const denial = only(await explained(), 'builtin.image.accessible');
    expect([denial.cause, denial.fixes[0]?.kind]).toEqual(['unknown-tag', 'image']);
    write({ image: denial.fixes[0]?.commands[0]?.split(' ')[2] ?? '' });
    expect(await violations()).toEqual({ code: 0, codes: [] });
  });

  it('naming the digest instead of a tag', async () => {
    const reference = await released('explain/pinned');
    write({ image: reference.replace(/@.*/, ':1'), promotion: { include: ['image.digest_pinned'] } });
    const denial = only(await explained(), 'image.digest_pinned');
    expect(denial).toMatchObject({ cause: 'tag-instead-of-digest', wanted: reference });
    await proveFix(denial.fixes[0]);
  });

  it('renewing an exception that ended', async () => {
    const reference = await released('explain/waiver');
    await attestTo(reference, 'vuln', trivy([{ id: 'CVE-2026-3', severity: 'HIGH', fixed: '9' }]));
    const exclude = [{ value: 'cve.cve_blockers:CVE-2026-3', effectiveUntil: '2026-01-01T00:00:00Z' }];
    write({ image: reference, include: ['cve'], volatileConfig: { exclude } });
    const denial = only(await explained(), 'cve.cve_blockers');
    expect(denial.cause).toBe('expired-waiver');
    const renewal = fixOf(denial, 'policy');
    expect(renewal?.title).toMatch(/^Renew the exception for cve\.cve_blockers:CVE-2026-3 until/);
    await proveFix(renewal);
  });
});

describe('an explanation', () => {
  it('says so when nothing helps', async () => {
    const reference = await released('explain/no-fix');
    await attestTo(reference, 'vuln', trivy([{ id: 'CVE-2026-4', severity: 'HIGH' }]));
    write({
      image: reference,
      promotion: { require: [{ type: 'vuln', failOn: 'high', fixableOnly: 'false' }] },
    });
    const denial = only(await explained(), 'vuln.threshold');
    expect([denial.cause, denial.fixes]).toEqual(['finding-without-fix', []]);
    const { stdout } = await cli(['explain', ...flags]);
    expect(stdout).toContain('no fix    nothing that was tried turns this');
    expect(stdout).toContain('No set of up to four changes was found that gives an allow.');
  });

  it('never offers to trust a local Sigstore, and shows that signing elsewhere turns it', async () => {
    write({ image: await released('explain/local') });
    flags = flags.filter(flag => flag !== '--allow-local-trust');
    const denials = await explained();
    expect(denials.every(({ cause }) => cause === 'local-trust')).toBe(true);
    const { stdout } = await cli(['explain', ...flags]);
    expect(stdout).not.toContain('--allow-local-trust');
    expect(stdout).not.toContain('--local');
    expect(stdout).toContain('changes together give an allow');
  });

  it('lists the evidence that satisfied each rule of an image that passes', async () => {
    write({ image: await released('explain/passes'), include: ['slsa_source_correlated'] });
    const { code, stdout } = await cli(['explain', ...flags]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/expected_source_code_reference: examined 1\n\s+\S+: attestation .* accepted/);
  });
});

function onBase(
  repository: string,
  baseRepository: string,
): { base: { repository: string; image: TestImage }; image: { repository: string; image: TestImage } } {
  const base = imageOf('base', ['base layer']);
  const layers = ['base layer', 'layer of ours'].map(text => blobOf(text));
  const config = blobOf(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: layers.map(({ descriptor }) => descriptor.digest) },
    }),
    mediaTypes.config,
  );
  const manifest = manifestOf({
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: {
      'org.opencontainers.image.base.name': `${registry.host}/${baseRepository}:1`,
      'org.opencontainers.image.base.digest': base.manifest.descriptor.digest,
    },
  });
  return {
    base: { repository: baseRepository, image: base },
    image: { repository, image: { manifest, blobs: [config, ...layers].map(({ push }) => push) } },
  };
}

async function pushed(
  ...images: readonly { repository: string; image: TestImage }[]
): Promise<{ reference: string }> {
  let reference = '';
  for (const { repository, image } of images) {
    const { registry: store } = await open(`${registry.host}/${repository}:1`, access, { to: 'write' });
    reference = `${registry.host}/${repository}@${await pushImage(store, image, '1')}`;
  }
  return { reference };
}

async function attestAll(reference: string, findings: readonly Finding[]): Promise<void> {
  bench.write('trivy.json', trivy(findings));
  bench.write('grype.json', grype());
  const predicates = ['slsaprovenance1=provenance.json', 'vuln=trivy.json', 'vuln=grype.json'];
  await run(['attest', reference, '--sign', '--local', ...predicates.flatMap(one => ['--predicate', one])]);
}

/** The new image has everything that the old one had; the scan without the finding comes from the printed command. */
function rebuiltClean(repository: string): () => Promise<string> {
  return async () => {
    const { reference } = await registry.image(repository);
    bench.write('scan.json', trivy([]));
    await run([
      'attest',
      reference,
      '--local',
      '--predicate',
      'slsaprovenance1=provenance.json',
      '--predicate',
      'vuln=grype.json',
    ]);
    return reference;
  };
}
