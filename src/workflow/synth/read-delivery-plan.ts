import { join } from 'node:path';
import type { ImageEntry } from '../../config/images-file.ts';
import { kustomizationFile } from '../../delivery/gitops/kustomization.ts';
import { renderManifests } from '../../delivery/gitops/render.ts';
import { clusterKinds } from '../../delivery/synth/argo-cd.ts';
import type {
  DeliveredImage,
  DeliveryEnvironment,
  DeliveryPlan,
  TagSelection,
} from '../../delivery/synth/plan.ts';
import { isGate } from '../../delivery/synth/workload-images.ts';
import { Fault, FaultList } from '../../ground/fault/fault.ts';
import { isMissing } from '../../ground/store/write-fault.ts';
import { readObjects } from '../../ground/yaml/read-objects.ts';
import { at } from '../../model/cluster-object.ts';
import { parseImageReference } from '../../model/image-reference.ts';
import { readTextFile } from '../gate/read-text.ts';
import {
  type Deployment,
  type Environment,
  environmentBefore,
  readDeployment,
} from '../gitops/environments.ts';
import type { FleetPlace } from '../images/fleet-place.ts';
import { type Fleet, readFleet } from '../images/read-fleet.ts';
import { readPolicyFiles } from './policy-files.ts';

export const synthTargets = ['kargo', 'argocd', 'presync'] as const;
export type SynthTarget = (typeof synthTargets)[number];

export interface DeliveryPlanOptions extends FleetPlace {
  readonly targets: readonly SynthTarget[];
  /** The checkout that holds the kustomizations. */
  readonly folder: string;
}

const dnsLabel = /^[a-z](?:[a-z0-9-]{0,50}[a-z0-9])?$/;

/** Everything that the targets need; what is missing or does not fit is said all at once. */
export async function readDeliveryPlan(o: DeliveryPlanOptions): Promise<DeliveryPlan> {
  const [fleet, deployment] = [await readFleet(o), await readDeployment(o)];
  return await new PlanReader(o, fleet, deployment).read();
}

class PlanReader {
  readonly #o: DeliveryPlanOptions;
  readonly #fleet: Fleet;
  readonly #deployment: Deployment;
  readonly #faults: Fault[] = [];

  constructor(o: DeliveryPlanOptions, fleet: Fleet, deployment: Deployment) {
    this.#o = o;
    this.#fleet = fleet;
    this.#deployment = deployment;
  }

  async read(): Promise<DeliveryPlan> {
    const { project, settings } = this.#fleet;
    const kargoProject = String(settings.get('kargo.namespace'));
    const application = project.gitops?.application ?? kargoProject;
    for (const [key, name] of [
      ['gitops.application', application],
      ['kargo.namespace', kargoProject],
    ] as const)
      if (!dnsLabel.test(name))
        this.#problem(`"${name}" is no name for a cluster`, key, 'small letters, digits and -');
    const environments: DeliveryEnvironment[] = [];
    if (this.#deployment.environments.length === 0)
      this.#problem('no environments are described', 'gitops.environments', 'prod: { path: overlays/prod }');
    for (const environment of this.#deployment.environments) {
      const found = await this.#environment(environment);
      if (found !== undefined) environments.push(found);
    }
    const images = await this.#images();
    const plan: DeliveryPlan = {
      application,
      kargoProject,
      argoNamespace: project.argocd?.namespace ?? 'argocd',
      ...(project.argocd?.serviceAccount !== undefined && { serviceAccount: project.argocd.serviceAccount }),
      repository: this.#repository(),
      branch: this.#deployment.branch,
      gateUrl: this.#gateUrl(project.kargo?.gateURL),
      gateImage: this.#gateImage(project.cli?.image),
      images,
      environments,
    };
    this.#throwAll();
    return plan;
  }

  #wants(...targets: readonly SynthTarget[]): boolean {
    return targets.some(target => this.#o.targets.includes(target));
  }

  #repository(): string {
    const { repository } = this.#deployment;
    if (!this.#wants('kargo', 'argocd')) return repository;
    const url = URL.canParse(repository) ? new URL(repository) : undefined;
    if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
      this.#problem(
        'clusters need the repository by https, without a password',
        'gitops.repository',
        'https://…',
      );
    return repository;
  }

  #gateUrl(given: string | undefined): string {
    if (!this.#wants('kargo')) return given ?? '';
    if (given === undefined || !/^https?:\/\/[^\s@]+$/.test(given))
      this.#problem(
        'nothing answers before each commit whether an image may come; cg has no such service yet',
        'kargo.gateURL',
        'a URL that answers {"verdict": "allow", "summary": …, "vsa": …} to ?image=…&env=…',
      );
    return given ?? '';
  }

  #gateImage(given: string | undefined): string {
    if (!this.#wants('kargo', 'presync')) return given ?? '';
    const parsed = given === undefined ? undefined : parseImageReference(given);
    if (parsed === undefined || 'problem' in parsed || parsed.value.digest === undefined)
      this.#problem(
        'the image of cg that judges in the cluster must be named by digest',
        'cli.image',
        'REGISTRY/cg@sha256:…',
      );
    return given ?? '';
  }

  async #environment(environment: Environment): Promise<DeliveryEnvironment | undefined> {
    const { name, path, soak } = environment;
    const key = `gitops.environments.${name}`;
    if (!dnsLabel.test(name) || name === 'attested')
      this.#problem(`"${name}" cannot name a stage`, key, 'small letters, digits and -, and not attested');
    if (soak % 1000 !== 0) this.#problem('soak must be whole seconds', `${key}.soak`, '24h');
    const { project } = this.#fleet;
    const own = project.gitops?.environments?.[name];
    const manifests = await renderManifests(join(this.#o.folder, path), this.#o.env, this.#o.signal).catch(
      (error: unknown) => {
        if (!(error instanceof Fault) || error.kind === 'interrupted') throw error;
        this.#faults.push(error);
        return '';
      },
    );
    if (manifests === undefined)
      throw new Fault('USAGE', {
        what: 'there is no kustomize, so nobody knows what the overlays run',
        next: 'install kustomize, or name it with CG_KUSTOMIZE',
      });
    if (manifests === '') return undefined;
    const workloads = readObjects(manifests, path).filter(object => !isGate(object));
    for (const { kind } of workloads)
      if (clusterKinds.has(String(kind)))
        this.#problem(
          `${path} holds a ${String(kind)}, which belongs to the cluster`,
          key,
          'what belongs to one namespace',
        );
    const policy = await readPolicyFiles(environment);
    if (policy === undefined && this.#wants('kargo', 'presync'))
      this.#problem(
        `nothing says what an image must prove to come to ${name}`,
        `${key}.promotion`,
        'a policy',
      );
    const before = environmentBefore(this.#deployment, environment);
    const isLast = !this.#deployment.environments.some(
      other => environmentBefore(this.#deployment, other)?.name === name,
    );
    return {
      name,
      path,
      soak,
      isLast,
      ...(before !== undefined && { from: before.name }),
      server: own?.server ?? 'https://kubernetes.default.svc',
      namespace: this.#namespace(own?.namespace, workloads, key),
      workloads,
      policy: policy ?? { flag: 'policy', files: new Map() },
    };
  }

  #namespace(
    given: string | undefined,
    workloads: readonly Readonly<Record<string, unknown>>[],
    key: string,
  ): string {
    const rendered = new Set(workloads.map(object => at(object, 'metadata', 'namespace') ?? ''));
    const [only = ''] = rendered;
    const namespace = given ?? (rendered.size === 1 && typeof only === 'string' ? only : '');
    if (!dnsLabel.test(namespace) && this.#wants('argocd'))
      this.#problem('it is not certain which namespace this is', `${key}.namespace`, 'one namespace');
    return namespace;
  }

  /** Images of images.yaml that every kustomization pins, by the same name; others are bases. */
  async #images(): Promise<readonly DeliveredImage[]> {
    if (!this.#wants('kargo')) return [];
    const pinned = await Promise.all(
      this.#deployment.environments.map(async one => await this.#pins(one.path)),
    );
    const images = this.#fleet.images.flatMap(image => {
      const repository = image.published?.replace(/:[^:/]+$/, '');
      if (repository === undefined || !image.enabled) return [];
      const names = pinned.map(pins => pins.get(repository));
      const [name] = names;
      if (names.every(one => one === undefined)) return [];
      const entry = this.#fleet.config.value.images.find(one => one.name === image.name);
      const [platform] = image.platforms;
      if (name === undefined || names.some(one => one !== name))
        this.#problem(
          `the environments do not name ${image.name} alike`,
          this.#fleet.file,
          'one name in images: of every kustomization',
        );
      if (!dnsLabel.test(image.name))
        this.#problem(
          `"${image.name}" cannot name a step of Kargo`,
          this.#fleet.file,
          'small letters, digits and -',
        );
      return [
        {
          name: image.name,
          repository,
          kustomizeName: name ?? image.name,
          selection: selectionOf(entry),
          ...(image.platforms.length === 1 && platform !== undefined && { platform }),
        },
      ];
    });
    if (images.length === 0)
      this.#problem(
        'no environment pins an image that is enrolled',
        this.#fleet.file,
        'images: in the kustomizations',
      );
    return images;
  }

  async #pins(path: string): Promise<ReadonlyMap<string, string>> {
    const text = await readTextFile(join(this.#o.folder, path, 'kustomization.yaml')).catch(() => '');
    const found = kustomizationFile.find(text);
    return 'pins' in found
      ? new Map(found.pins.map(({ name, newName }) => [newName ?? name, name]))
      : new Map();
  }

  #problem(what: string, where: string, expected: string): void {
    this.#faults.push(new Fault('USAGE', { what, where, expected, next: `set it in .cascadeguard.yaml` }));
  }

  #throwAll(): void {
    const [first] = this.#faults;
    if (first === undefined) return;
    if (this.#faults.length === 1) throw first;
    throw new FaultList(
      'USAGE',
      { what: `${this.#faults.length} things are missing or do not fit`, next: 'cg synth --help' },
      this.#faults,
    );
  }
}

/** Kargo's own words; a mutable tag is followed by its digest. */
function selectionOf(entry: ImageEntry | undefined): TagSelection {
  const { allowTags, imageSelectionStrategy: strategy = 'SemVer', tag } = entry ?? {};
  if (strategy === 'Lexical' && allowTags === '^latest$') return { strategy: 'Digest', constraint: 'latest' };
  if (strategy === 'Digest') return { strategy, constraint: tag ?? 'latest' };
  return { strategy, ...(allowTags !== undefined && { allowTags }) };
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path, 4 * 1024 * 1024);
  } catch (error) {
    if (error instanceof Fault && isMissing(error.cause)) return undefined;
    throw error;
  }
}
