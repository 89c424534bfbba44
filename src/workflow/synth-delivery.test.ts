import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
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
import { findPeer } from '../../test/peers.ts';
import { FaultList } from '../ground/fault/fault.ts';
import { type SynthDeliveryOptions, synthDelivery, synthTargets } from './synth-delivery.ts';

const example = join(import.meta.dirname, '../../examples/bookstore');
const kustomize = ['kustomize58', 'kustomize56', 'kustomize']
  .map(findPeer)
  .find(found => found !== undefined);
const zeros = '0'.repeat(64);
let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'cg-synth-'));
  await cp(join(example, 'config'), join(cwd, 'gitops'), { recursive: true });
  for (const file of ['images.yaml', 'policy.yaml', 'promotion.yaml'])
    await cp(join(example, 'shop', file), join(cwd, file));
  await project();
});
afterEach(async () => {
  await rm(cwd, { recursive: true, force: true });
});

async function project(change: (text: string) => string = text => text): Promise<void> {
  const text = `gitops:
  repository: https://github.com/bookstore/config.git
  application: bookstore
  environments:
    dev: { path: overlays/dev, promotion: promotion.yaml }
    staging: { path: overlays/staging, promotion: promotion.yaml, soak: 30m }
    prod: { path: overlays/prod, promotion: promotion.yaml, soak: 1d }
kargo: { namespace: shop, gateURL: "http://gate.gate-system.svc/v1/verdict" }
argocd: { serviceAccount: deployer }
cli: { image: "ghcr.io/shop/cg@sha256:${zeros}" }
`;
  await writeFile(join(cwd, '.cascadeguard.yaml'), change(text));
}

/** Whatever YAML holds; what is expected of it says the rest. */
type Loaded = ReturnType<typeof parse>;

const synth = (o: Partial<SynthDeliveryOptions> = {}) =>
  synthDelivery({
    cwd,
    folder: join(cwd, 'gitops'),
    env: { PATH: process.env.PATH, CG_KUSTOMIZE: kustomize },
    targets: synthTargets,
    ...o,
  });

const objectsOf = async (file: string): Promise<readonly Loaded[]> =>
  parseAllDocuments(await readFile(join(cwd, 'gitops', file), 'utf8')).map(document => document.toJS());

const append = async (file: string, text: string) => {
  const path = join(cwd, 'gitops', file);
  await writeFile(path, (await readFile(path, 'utf8')) + text);
};

describe.skipIf(kustomize === undefined)(
  `cg synth${kustomize === undefined ? ' [needs kustomize]' : ''}`,
  () => {
    it.skipIf(!hasClusterSchemas)(
      `writes what the vendors' schemas and rules allow, to the last field${needsClusterSchemas}`,
      async () => {
        await synth();
        const objects = [
          ...(await objectsOf('delivery/kargo.yaml')),
          ...(await objectsOf('delivery/argocd.yaml')),
        ];
        const judged = objects.filter(knowsKind);
        expect(judged.map(({ kind }) => kind)).toEqual([
          ...[
            'Project',
            'ProjectConfig',
            'Warehouse',
            'PromotionTask',
            'Stage',
            'Stage',
            'Stage',
            'Stage',
            'AnalysisTemplate',
          ],
          ...['AppProject', 'Application', 'AppProject', 'Application', 'AppProject', 'Application'],
        ]);
        expect(
          judged.flatMap(object => problemsOfObject(object).map(text => `${object.kind} ${text}`)),
        ).toEqual([]);
      },
    );

    it.skipIf(!canAskKubeconform)(
      `writes what kubeconform takes by the vendors' schemas${needsKubeconform}`,
      async () => {
        await synth();
        const files = ['kargo.yaml', 'argocd.yaml'].map(file => join(cwd, 'gitops/delivery', file));
        expect(await askKubeconform(files, '-skip', 'Namespace,ConfigMap')).toMatchObject({
          code: 0,
          said: expect.stringMatching(/Valid: 15, Invalid: 0, Errors: 0/),
        });
      },
    );

    it('promotes digests alone, each judged before the commit, in order and with soak', async () => {
      await synth();
      const objects = await objectsOf('delivery/kargo.yaml');
      const { steps } = objects.find(({ kind }) => kind === 'PromotionTask').spec;
      const uses = steps.map((step: { uses: string }) => step.uses);
      expect(uses.filter((one: string) => one === 'http')).toHaveLength(4);
      expect(uses.lastIndexOf('http')).toBeLessThan(uses.indexOf('git-clone'));
      const { images } = steps.find((step: { uses: string }) => step.uses === 'kustomize-set-image').config;
      expect(images).toHaveLength(4);
      for (const image of images) {
        expect(image.digest).toContain('.Digest }}');
        expect(image).not.toHaveProperty('tag');
      }
      const stages = objects.filter(({ kind }) => kind === 'Stage');
      expect(stages.map(({ metadata, spec }) => [metadata.name, spec.requestedFreight[0].sources])).toEqual([
        ['attested', { direct: true }],
        ['dev', { stages: ['attested'], autoPromotionOptions: { selectionPolicy: 'MatchUpstream' } }],
        [
          'staging',
          {
            stages: ['dev'],
            requiredSoakTime: '30m',
            autoPromotionOptions: { selectionPolicy: 'MatchUpstream' },
          },
        ],
        ['prod', { stages: ['staging'], requiredSoakTime: '24h', availabilityStrategy: 'All' }],
      ]);
      const { promotionPolicies } = objects.find(({ kind }) => kind === 'ProjectConfig').spec;
      expect(promotionPolicies.at(-1)).toEqual({
        stageSelector: { name: 'prod' },
        autoPromotionEnabled: false,
      });
    });

    it('lets into a project of Argo CD what the overlay holds and no more', async () => {
      await synth({ targets: ['argocd'] });
      const objects = await objectsOf('delivery/argocd.yaml');
      const { spec } = objects.find(
        ({ kind, metadata }) => kind === 'AppProject' && metadata.name === 'bookstore-prod',
      );
      expect(spec).toMatchObject({
        sourceRepos: ['https://github.com/bookstore/config.git'],
        destinations: [{ server: 'https://kubernetes.default.svc', namespace: 'bookstore-prod' }],
        clusterResourceWhitelist: [],
        namespaceResourceWhitelist: [
          { group: '', kind: 'ConfigMap' },
          { group: 'apps', kind: 'Deployment' },
          { group: 'batch', kind: 'Job' },
        ],
        destinationServiceAccounts: [{ defaultServiceAccount: 'deployer' }],
      });
      const application = objects.find(
        ({ kind, metadata }) => kind === 'Application' && metadata.name === 'bookstore-prod',
      );
      expect(application.spec.syncPolicy.automated).toEqual({ prune: true, selfHeal: false });
      expect(application.metadata.annotations).toEqual({ 'kargo.akuity.io/authorized-stage': 'shop:prod' });
    });

    it.each(
      ['kustomize56', 'kustomize58']
        .map(name => [name, findPeer(name)] as const)
        .filter(([, found]) => found !== undefined),
    )(
      'tells the gate of every image, init containers and cron jobs too, with the digests that are synchronised, by %s',
      async (_, program) => {
        await append('base/kustomization.yaml', '  - report.yaml\n');
        await writeFile(
          join(cwd, 'gitops/base/report.yaml'),
          `apiVersion: batch/v1
kind: CronJob
metadata: { name: report }
spec:
  schedule: "0 1 * * *"
  jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: r, image: bookstore/orders }], initContainers: [{ name: migrate, image: "busybox:1" }] } } } }
`,
        );
        const pin = /newName: 127.0.0.1:5000\/bookstore\/orders\n +newTag: none/;
        const overlay = join(cwd, 'gitops/overlays/prod/kustomization.yaml');
        await writeFile(
          overlay,
          (await readFile(overlay, 'utf8')).replace(
            pin,
            `newName: 127.0.0.1:5000/bookstore/orders\n    digest: sha256:${'3'.repeat(64)}`,
          ) + 'namePrefix: shop-\n',
        );
        const { gates } = await synth({
          targets: ['presync'],
          env: { PATH: process.env.PATH, CG_KUSTOMIZE: program },
        });
        expect(gates.map(({ environment, isWhole }) => [environment, isWhole])).toEqual([
          ['dev', true],
          ['staging', true],
          ['prod', true],
        ]);
        expect(gates[2]?.images).toHaveLength(6);
        expect(
          gates[2]?.images.filter(image => image.endsWith(`orders@sha256:${'3'.repeat(64)}`)),
        ).toHaveLength(2);
        expect(gates[2]?.images).toContain('busybox:1');
      },
    );

    it('writes equal bytes on two runs, and says which files and gates differ', async () => {
      const first = await synth();
      const schema = join(import.meta.dirname, '../../schema/output/synth.schema.json');
      const validate = new Ajv2020().compile(JSON.parse(await readFile(schema, 'utf8')));
      expect(validate(first) ? [] : validate.errors).toEqual([]);
      expect(new Set(first.files.map(({ status }) => status))).toEqual(new Set(['written']));
      const again = await synth();
      expect(new Set(again.files.map(({ status }) => status))).toEqual(new Set(['unchanged']));
      expect(await synth({ check: true })).toMatchObject({ differs: false });
      const deployment = join(cwd, 'gitops/base/web.yaml');
      const text = await readFile(deployment, 'utf8');
      await writeFile(
        deployment,
        text.replace(
          '      containers:\n',
          '      containers:\n        - { name: proxy, image: "envoy:1" }\n',
        ),
      );
      const differing = await synth({ check: true });
      expect(differing.differs).toBe(true);
      expect(differing.gates[0]).toMatchObject({ isWhole: false, missing: ['envoy:1'] });
      expect(
        differing.files.filter(({ status }) => status === 'different').map(({ path }) => path),
      ).toContain('overlays/prod/gate/presync.yaml');
    });

    it('writes nothing when it only checks', async () => {
      const before = await readdir(join(cwd, 'gitops'), { recursive: true });
      expect(await synth({ check: true })).toMatchObject({ differs: true });
      expect(await readdir(join(cwd, 'gitops'), { recursive: true })).toEqual(before);
    });

    it('leaves alone what others wrote and what was changed by hand, and then writes nothing at all', async () => {
      await synth({ targets: ['kargo'] });
      await append('delivery/kargo.yaml', '# mine\n');
      expect(await faultOf(synth())).toMatchObject({ code: 'USAGE', where: 'delivery/kargo.yaml' });
      expect(await readdir(join(cwd, 'gitops/delivery'))).toEqual(['kargo.yaml']);
      await writeFile(join(cwd, 'gitops/delivery/kargo.yaml'), 'kind: Mine\n');
      expect((await faultOf(synth())).message).toContain('not written by this command');
    });

    it('adds two keys to an overlay and changes no other byte of it; where that is not certain it refuses', async () => {
      const before = await readFile(join(cwd, 'gitops/overlays/prod/kustomization.yaml'), 'utf8');
      await synth({ targets: ['presync'] });
      const after = await readFile(join(cwd, 'gitops/overlays/prod/kustomization.yaml'), 'utf8');
      expect(after).toBe(`${before}components:\n  - gate\nreplacements:\n  - path: gate/replacements.yaml\n`);
      await writeFile(join(cwd, 'gitops/overlays/prod/kustomization.yaml'), `${before}replacements: []\n`);
      expect((await faultOf(synth({ targets: ['presync'] }))).code).toBe('EDIT_REFUSED');
    });

    it('says everything that is missing at once, and asks only for what the target needs', async () => {
      await project(text =>
        text
          .replace(/, gateURL: "[^"]*"/, '')
          .replace(/^cli:.*\n/m, '')
          .replace('https://github.com', 'ssh://git@github.com')
          .replace('namespace: shop', 'namespace: Shop_1'),
      );
      const fault = await faultOf(synth());
      const where = (fault instanceof FaultList ? fault.faults : [fault]).map(one => one.where);
      expect(where).toEqual(['kargo.namespace', 'gitops.repository', 'kargo.gateURL', 'cli.image']);
      expect(fault.kind).toBe('usage');
      await project(text => text.replace(/^kargo:.*\n/m, '').replace(/^cli:.*\n/m, ''));
      expect((await synth({ targets: ['argocd'] })).files).toHaveLength(1);
    });

    it('refuses what belongs to a whole cluster', async () => {
      await append('base/kustomization.yaml', '  - namespace.yaml\n');
      await writeFile(
        join(cwd, 'gitops/base/namespace.yaml'),
        'apiVersion: v1\nkind: Namespace\nmetadata: { name: bookstore-prod }\n',
      );
      const fault = await faultOf(synth({ targets: ['argocd'] }));
      expect(fault instanceof FaultList ? fault.faults[0]?.message : fault.message).toContain(
        'holds a Namespace',
      );
    });
  },
);

describe.skipIf(!hasClusterSchemas)(`the judge of generated objects${needsClusterSchemas}`, () => {
  const control = join(import.meta.dirname, '../../../shared/examples/gitops/negative-controls.yaml');
  it('refuses each of the negative controls', async () => {
    const documents = parseAllDocuments(await readFile(control, 'utf8')).map(document => document.toJS());
    expect(documents.map(object => problemsOfObject(object).length > 0)).toEqual(documents.map(() => true));
    const stage = problemsOfObject(documents[1]).join('\n');
    for (const said of [
      'soakTime',
      'exactly one of uses and task',
      'wait-for-approval',
      'targetBranch',
      'kustomize-set-image-config.json',
    ])
      expect(stage).toContain(said);
  });
  it('accepts the example that a real server accepted', async () => {
    const text = await readFile(join(control, '../kargo.yaml'), 'utf8');
    const documents = parseAllDocuments(text).map(document => document.toJS());
    expect(documents.flatMap(problemsOfObject)).toEqual([]);
  });
  it('knows a field that nobody has', () => {
    const project = parse(
      '{apiVersion: kargo.akuity.io/v1alpha1, kind: Project, metadata: {name: a}, unknown: 1}',
    );
    expect(problemsOfObject(project)).not.toEqual([]);
  });
});
