import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import {
  hasClusterSchemas,
  knowsKind,
  needsClusterSchemas,
  problemsOfObject,
} from '../../test/cluster-schemas.ts';
import { faultOf } from '../../test/faults.ts';
import { askKubeconform, canAskKubeconform, needsKubeconform } from '../../test/kubeconform.ts';
import { type GenerateAdmissionOptions, generateAdmission } from './generate-admission.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'cg-admission-'));
  await writeFile(
    join(cwd, 'promotion.yaml'),
    `identities:
  ci: { issuer: "https://gitlab.com", subject: "https://gitlab.com/shop/web//.gitlab-ci.yml@refs/heads/main" }
  release: { issuer: "https://token.actions.githubusercontent.com", subjectRegExp: "https://github\\\\.com/shop/web/.*" }
require:
  - { type: image-signature, by: [ci, release] }
  - { type: slsaprovenance1, by: [ci, release] }
  - { type: vuln, by: [ci], maxAge: 48h }
`,
  );
});
afterEach(async () => {
  await rm(cwd, { recursive: true, force: true });
});

const generate = (o: Partial<GenerateAdmissionOptions> = {}) =>
  generateAdmission({
    cwd,
    name: 'shop',
    targets: ['vap', 'kyverno', 'policy-controller'],
    repositories: ['ghcr.io/shop/web'],
    outputFolder: 'out',
    promotion: join(cwd, 'promotion.yaml'),
    ...o,
  });

describe('admission', () => {
  it('believes of each attestation those whom the gate believes of it, and nobody else', async () => {
    await generate();
    const [kyverno, controller] = await Promise.all(
      ['kyverno', 'policy-controller'].map(async target => {
        const text = await readFile(join(cwd, `out/shop-${target}.yaml`), 'utf8');
        return parseAllDocuments(text)[0]?.toJS() as { spec: Record<string, never> };
      }),
    );
    const issuersOf = (keyless: { identities: { issuer: string }[] }) =>
      keyless.identities.map(({ issuer }) => issuer);
    const [gitlab, github] = ['https://gitlab.com', 'https://token.actions.githubusercontent.com'];
    const attestors = (kyverno?.spec['attestors'] ?? []) as {
      name: string;
      cosign: { keyless: { identities: { issuer: string }[] } };
    }[];
    expect(attestors.map(({ name, cosign }) => [name, issuersOf(cosign.keyless)])).toEqual([
      ['ci', [gitlab, github]],
      ['vulnMakers', [gitlab]],
    ]);
    expect(JSON.stringify(kyverno)).toContain('attestations.vuln, [attestors.vulnMakers]');
    const authorities = (controller?.spec['authorities'] ?? []) as {
      name: string;
      keyless: { identities: { issuer: string }[] };
    }[];
    expect(authorities.map(({ name, keyless }) => [name, issuersOf(keyless)])).toEqual([
      ['ci-signature', [gitlab, github]],
      ['ci-attestations', [gitlab, github]],
      ['vuln-attestations', [gitlab]],
    ]);
  });

  it('says what the gate asks for and no cluster can', async () => {
    await writeFile(
      join(cwd, 'promotion.yaml'),
      'identities: { ci: { issuer: "https://gitlab.com", subject: "https://gitlab.com/a", oids: { buildTrigger: push } } }\nrequire:\n  - { type: slsaprovenance1, by: [ci], quorum: 2, builders: ["https://b.invalid"] }\n',
    );
    const { notes } = await generate();
    expect(notes).toEqual([
      expect.stringContaining('certificates to say more (oids)'),
      expect.stringContaining('2 signers of https://slsa.dev/provenance/v1'),
      expect.stringContaining('trusted builder'),
    ]);
  });

  it.skipIf(!hasClusterSchemas).each(['kyverno', 'policy-controller'])(
    `for %s is what the vendor's schema allows, to the last field${needsClusterSchemas}`,
    async target => {
      await generate();
      const [document] = parseAllDocuments(await readFile(join(cwd, `out/shop-${target}.yaml`), 'utf8'));
      const object = document?.toJS() as Record<string, unknown> & { spec: object };
      expect(knowsKind(object)).toBe(true);
      expect(problemsOfObject(object)).toEqual([]);
      expect(problemsOfObject({ ...object, spec: { ...object.spec, nothingKnown: 1 } })).not.toEqual([]);
    },
  );

  it.skipIf(!canAskKubeconform)(
    `is what kubeconform takes by the vendors' schemas${needsKubeconform}`,
    async () => {
      await generate();
      const files = ['kyverno', 'policy-controller'].map(target => join(cwd, `out/shop-${target}.yaml`));
      expect(await askKubeconform(files)).toMatchObject({
        code: 0,
        said: expect.stringMatching(/Valid: 2, Invalid: 0, Errors: 0/),
      });
    },
  );

  it('asks for the same identities and evidence as the gate, anchored, for all three lists of a pod', async () => {
    await generate();
    const kyverno = parse(await readFile(join(cwd, 'out/shop-kyverno.yaml'), 'utf8'));
    expect(kyverno.spec.attestors[0].cosign.keyless.identities).toEqual([
      {
        issuer: 'https://gitlab.com',
        subject: 'https://gitlab.com/shop/web//.gitlab-ci.yml@refs/heads/main',
      },
      {
        issuer: 'https://token.actions.githubusercontent.com',
        subjectRegExp: '^(?:https://github\\.com/shop/web/.*)$',
      },
    ]);
    expect(kyverno.spec.matchImageReferences).toEqual([
      { glob: 'ghcr.io/shop/web@*' },
      { glob: 'ghcr.io/shop/web:*' },
    ]);
    for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
      expect(
        kyverno.spec.validations.filter(({ expression }: { expression: string }) =>
          expression.startsWith(`images.${list}.`),
        ),
      ).toHaveLength(4);
    expect(JSON.stringify(kyverno)).toContain("duration('48h')");
    expect(kyverno.spec.validationActions).toEqual(['Audit']);
    const controller = parse(await readFile(join(cwd, 'out/shop-policy-controller.yaml'), 'utf8'));
    expect(controller.spec.mode).toBe('warn');
    const named = controller.spec.authorities.map(
      ({ attestations = [] }: { attestations?: { name: string }[] }) => attestations.map(({ name }) => name),
    );
    expect(named).toEqual([[], ['slsa'], ['vuln']]);
  });

  it('writes equal bytes, says when they differ, and leaves the files of others alone', async () => {
    expect((await generate()).files.map(({ status }) => status)).toEqual(['written', 'written', 'written']);
    expect(await generate({ check: true })).toMatchObject({ differs: false });
    expect(await generate({ check: true, repositories: ['ghcr.io/shop/api'] })).toMatchObject({
      differs: true,
    });
    await writeFile(join(cwd, 'out/shop-vap.yaml'), 'kind: Mine\n');
    expect((await faultOf(generate())).code).toBe('USAGE');
    expect(await readFile(join(cwd, 'out/shop-vap.yaml'), 'utf8')).toBe('kind: Mine\n');
  });

  it('needs no policy to ask for digests, and a repository to ask for more', async () => {
    const { promotion: _, ...bare } = {
      promotion: '',
      cwd,
      name: 'x',
      targets: ['vap'] as const,
      repositories: [],
      outputFolder: 'out',
    };
    expect((await generateAdmission(bare)).files).toHaveLength(1);
    expect((await faultOf(generate({ repositories: [] }))).next).toContain('--repository');
    for (const name of ['x: y', '../x', 'X', '', 'a\nb'])
      expect((await faultOf(generate({ name }))).code).toBe('USAGE');
    for (const repository of ['ghcr.io/a/b:1', 'x"y', '*', 'a\nb'])
      expect((await faultOf(generate({ repositories: [repository] }))).code).toBe('USAGE');
  });

  it('simulates what it writes, and says where no signer can be made up', async () => {
    expect((await generate()).files.map(({ simulated }) => simulated)).toEqual([true, true, true]);
    await writeFile(
      join(cwd, 'promotion.yaml'),
      'identities: { a: { issuer: "https://a.invalid", subjectRegExp: "(x|y){3}z" } }\nrequire: [{ type: image-signature, by: [a] }]\n',
    );
    expect((await generate()).files.map(({ simulated }) => simulated)).toEqual([true, false, false]);
  });

  it('quotes what readers of YAML 1.1 would take for something else', async () => {
    await generate({ name: 'on', targets: ['kyverno'] });
    expect(await readFile(join(cwd, 'out/on-kyverno.yaml'), 'utf8')).toContain('name: "on"');
  });
});
