import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { faultOf } from '../../test/faults.ts';
import { type GenerateAdmissionOptions, generateAdmission } from './generate-admission.ts';

const crds = process.env['CG_CRDS'] ?? join(import.meta.dirname, '../../../shared/crds');
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

/** The schema of a resource definition, unknown fields forbidden, as an API server with strict validation has it. */
function crdSchema(file: string, version: string): object | undefined {
  if (!existsSync(join(crds, file))) return undefined;
  const crd = parse(readFileSync(join(crds, file), 'utf8')) as {
    spec: { versions: { name: string; schema: { openAPIV3Schema: object } }[] };
  };
  const schema = crd.spec.versions.find(({ name }) => name === version)?.schema.openAPIV3Schema;
  return schema === undefined ? undefined : forbidUnknown(schema);
}

function forbidUnknown(schema: object): object {
  const entries = Object.entries(schema).map(([key, value]) => [
    key,
    typeof value === 'object' && value !== null && !Array.isArray(value) && key !== 'default'
      ? forbidUnknown(value)
      : value,
  ]);
  const result = Object.fromEntries(entries) as Record<string, unknown>;
  const isOpen = result['x-kubernetes-preserve-unknown-fields'] === true || 'additionalProperties' in result;
  if (typeof result['properties'] === 'object' && result['type'] === 'object' && !isOpen) {
    const properties = result['properties'] as Record<string, unknown>;
    if ('metadata' in properties) properties['metadata'] = { type: 'object' };
    result['additionalProperties'] = false;
  }
  return result;
}

describe('admission', () => {
  it.each([
    ['kyverno', 'kyverno/policies.kyverno.io_imagevalidatingpolicies.yaml', 'v1'],
    ['policy-controller', 'policy-controller/300-clusterimagepolicy.yaml', 'v1beta1'],
  ] as const)(
    `for %s is what the vendor's schema allows, to the last field${existsSync(crds) ? '' : ' [needs ../shared/crds]'}`,
    async (target, file, version) => {
      const schema = crdSchema(file, version);
      if (schema === undefined) return;
      await generate();
      const [document] = parseAllDocuments(await readFile(join(cwd, `out/shop-${target}.yaml`), 'utf8'));
      const validate = new Ajv({ strict: false, allErrors: true, logger: false }).compile(
        (schema as { properties: { spec: object } }).properties.spec,
      );
      const { spec } = (document?.toJS() ?? {}) as { spec: object };
      expect(validate(spec) ? [] : validate.errors).toEqual([]);
      expect(validate({ ...spec, nothingKnown: 1 })).toBe(false);
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
    expect(controller.spec.authorities[1].attestations.map(({ name }: { name: string }) => name)).toEqual([
      'slsa',
      'vuln',
    ]);
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
});
