import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultOf } from '../../test/faults.ts';
import { FaultList } from '../ground/fault/fault.ts';
import { generateAdmission } from './generate-admission.ts';
import { type SimulatedAdmission, simulateAdmission } from './simulate-admission.ts';

let cwd: string;
const files = ['shop-vap.yaml', 'shop-kyverno.yaml', 'shop-policy-controller.yaml'];
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'cg-simulate-'));
  await writeFile(
    join(cwd, 'promotion.yaml'),
    `identities:
  ci: { issuer: "https://gitlab.com", subject: "https://gitlab.com/shop/web//.gitlab-ci.yml@refs/heads/main" }
  tags: { issuer: "https://token.actions.githubusercontent.com", subjectRegExp: "https://github\\\\.com/shop/web/.*@refs/tags/v[0-9]+" }
require:
  - { type: image-signature, by: [ci, tags] }
  - { type: slsaprovenance1, by: [ci, tags] }
  - { type: vuln, by: [ci, tags], maxAge: 48h }
`,
  );
  await generateAdmission({
    cwd,
    name: 'shop',
    targets: ['vap', 'kyverno', 'policy-controller'],
    repositories: ['ghcr.io/shop/web'],
    outputFolder: '.',
    promotion: join(cwd, 'promotion.yaml'),
  });
});
afterEach(async () => {
  await rm(cwd, { recursive: true, force: true });
});

const simulate = (o: Partial<Parameters<typeof simulateAdmission>[0]> = {}) =>
  simulateAdmission({ cwd, files, env: {}, ...o });

const answersOf = ({ pods }: SimulatedAdmission) =>
  Object.fromEntries(pods.map(({ pod, answers }) => [pod, answers.map(({ verdict }) => verdict).join(' ')]));

const edit = async (file: string, from: string | RegExp, to: string) => {
  const before = await readFile(join(cwd, file), 'utf8');
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  await writeFile(join(cwd, file), after);
};

describe('simulated admission', () => {
  it('knows what each policy says to each of the built-in pods', async () => {
    const simulated = await simulate();
    // Kubernetes itself, Kyverno, the policy-controller
    expect(answersOf(simulated)).toEqual({
      'pinned and proven': 'admitted admitted admitted',
      'a tag': 'refused refused admitted',
      'a tag among init containers': 'refused refused admitted',
      'a tag among ephemeral containers': 'refused refused admitted',
      'a digest that is too short': 'refused refused refused',
      'a tag and a digest': 'admitted admitted admitted',
      unsigned: 'admitted refused refused',
      'unsigned init container': 'admitted refused refused',
      'unsigned ephemeral container': 'admitted refused refused',
      'signed by somebody else': 'admitted refused refused',
      'attested something else': 'admitted refused refused',
      'scanned too long ago': 'admitted refused refused',
      'provenance of another source': 'admitted admitted admitted',
      'another registry': 'admitted out-of-scope out-of-scope',
      'a repository that begins alike': 'admitted out-of-scope out-of-scope',
    });
    expect(simulated).toMatchObject({ builtIn: true, holds: true, exit: 0 });
  });

  it.each([
    [
      'a pattern that lets tags in',
      'shop-vap.yaml',
      /\^\[\^@\]\+@sha256:\[a-f0-9\]\{64\}\$/g,
      '^.*$',
      'a tag',
    ],
    [
      'init containers forgotten',
      'shop-vap.yaml',
      'has(object.spec.initContainers) ? object.spec.initContainers : []',
      '[]',
      'a tag among init containers',
    ],
    [
      'ephemeral containers that the rule never sees',
      'shop-vap.yaml',
      / +- pods\/ephemeralcontainers\n/,
      '',
      'a tag among ephemeral containers',
    ],
    [
      'ephemeral containers that Kyverno never sees',
      'shop-kyverno.yaml',
      / +- pods\/ephemeralcontainers\n/,
      '',
      'a tag among ephemeral containers',
    ],
    [
      'expressions that ask for nothing',
      'shop-kyverno.yaml',
      /expression: .*/g,
      'expression: "true"',
      'unsigned',
    ],
    [
      'an age that is never too high',
      'shop-kyverno.yaml',
      /duration\('48h'\)/g,
      "duration('480000h') + duration('48h')",
      'scanned too long ago',
    ],
    [
      'a glob that goes on',
      'shop-kyverno.yaml',
      'ghcr.io/shop/web@*',
      'ghcr.io/shop/web*',
      'a repository that begins alike',
    ],
  ] as const)('%s is seen', async (_, file, from, to, pod) => {
    await edit(file, from, to);
    const simulated = await simulate();
    expect(simulated).toMatchObject({ holds: false, exit: 1 });
    const wrong = simulated.pods.filter(({ answers }) =>
      answers.some(({ verdict, expected }) => verdict !== expected),
    );
    expect(wrong.map(one => one.pod)).toContain(pod);
  });

  it.each([
    [
      'an unknown function',
      'shop-kyverno.yaml',
      'verifyImageSignatures(i',
      'verifyMyself(i',
      'cannot simulate this expression',
    ],
    [
      'an unknown field',
      'shop-kyverno.yaml',
      'failurePolicy: Fail',
      'failurePolicy: Fail\n  credentials: {}',
      'spec.credentials',
    ],
    [
      'a rule that ignores its failures',
      'shop-vap.yaml',
      'failurePolicy: Fail',
      'failurePolicy: Ignore',
      'spec.failurePolicy',
    ],
    [
      'another Rego',
      'shop-policy-controller.yaml',
      'default isCompliant = false',
      'default isCompliant = true',
      'cannot simulate this expression',
    ],
    [
      'another CUE',
      'shop-policy-controller.yaml',
      '"ci-signature": {signatures: [...]}, ',
      '',
      'cannot simulate this expression',
    ],
    [
      'a kind of others',
      'shop-vap.yaml',
      'kind: ValidatingAdmissionPolicyBinding',
      'kind: ConfigMap',
      'objects of kind ConfigMap',
    ],
    [
      'a pattern that JavaScript has and Go has not',
      'shop-vap.yaml',
      /matches\('\^/g,
      "matches('(?=x)^",
      'cannot simulate this expression',
    ],
  ] as const)('%s is refused by name', async (_, file, from, to, said) => {
    await edit(file, from, to);
    const fault = await faultOf(simulate());
    const all = fault instanceof FaultList ? fault.faults : [fault];
    expect(all.map(({ message }) => message).join('\n')).toContain(said);
    expect(fault.kind).toBe('usage');
  });

  it('judges the pods that workloads would make, each of their lists', async () => {
    const pinned = `other.io/a@sha256:${'1'.repeat(64)}`;
    await writeFile(
      join(cwd, 'pods.yaml'),
      `apiVersion: v1
kind: Service
metadata: { name: not-a-pod }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: { template: { spec: { containers: [{ name: a, image: "${pinned}" }], initContainers: [{ name: i, image: "b:1" }] } } }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: nightly }
spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: a, image: "${pinned}" }] } } } } }
`,
    );
    const simulated = await simulate({ files: ['shop-vap.yaml'], pods: ['pods.yaml'] });
    expect(answersOf(simulated)).toEqual({ 'Deployment/web': 'refused', 'CronJob/nightly': 'admitted' });
    expect(simulated.pods[0]?.answers[0]?.reasons).toEqual(['images must be pinned by digest: b:1']);
    expect(simulated).toMatchObject({ holds: false, exit: 1, builtIn: false });
  });

  it('says 3 when evidence cannot be read, and never admits for that', async () => {
    const image = `ghcr.io/shop/web@sha256:${'1'.repeat(64)}`;
    await writeFile(
      join(cwd, 'pod.yaml'),
      `{kind: Pod, metadata: {name: a}, spec: {containers: [{image: "${image}"}]}}\n`,
    );
    await writeFile(
      join(cwd, 'record.json'),
      JSON.stringify({
        version: 1,
        time: '2026-01-01T00:00:00Z',
        policy: { identities: [], sources: [], requirements: [], trust: { roots: [], allowLocal: false } },
        components: [],
      }),
    );
    const simulated = await simulate({ pods: ['pod.yaml'], evidence: [join(cwd, 'record.json')] });
    expect(answersOf(simulated)).toEqual({ 'Pod/a': 'admitted unknown unknown' });
    expect(simulated).toMatchObject({ holds: false, exit: 3 });
  });

  it.each([
    ['nothing', 'kind: Service\n'],
    ['a pod without an image', 'kind: Pod\nspec: { containers: [{ name: a }] }\n'],
    ['containers that are no list', 'kind: Pod\nspec: { containers: [], initContainers: { image: x } }\n'],
    ['no YAML', 'kind: [\n'],
    ['an alias of nothing', 'kind: Pod\nspec: *nowhere\n'],
    [
      'aliases that multiply',
      `a: &a [x, x, x, x, x, x, x, x, x]\n${[...'bcdefghi'].map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[at]}`).join(', ')}]`).join('\n')}\nkind: Pod\n`,
    ],
  ])('refuses manifests that hold %s', async (_, text) => {
    await writeFile(join(cwd, 'pods.yaml'), text);
    expect((await faultOf(simulate({ pods: ['pods.yaml'] }))).code).toBe('FILE_INVALID');
  });
});
