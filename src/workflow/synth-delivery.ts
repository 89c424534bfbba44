import { dirname, join, posix } from 'node:path';
import { renderManifests } from '../delivery/gitops/render.ts';
import { argoApplications } from '../delivery/synth/argo-cd.ts';
import { addHeader, compareFile } from '../delivery/synth/generated-file.ts';
import { kargoProject } from '../delivery/synth/kargo.ts';
import type { DeliveryPlan } from '../delivery/synth/plan.ts';
import { presyncGate } from '../delivery/synth/presync-gate.ts';
import { findImagePlaces, imagesOfGate, isGate } from '../delivery/synth/workload-images.ts';
import { Fault } from '../ground/fault/fault.ts';
import { writeFileAtomically } from '../ground/store/atomic-file.ts';
import { makeFolder } from '../ground/store/make-folder.ts';
import { printYaml } from '../ground/yaml/print-yaml.ts';
import { readObjects } from '../ground/yaml/read-objects.ts';
import {
  type DeliveryPlanOptions,
  readDeliveryPlan,
  readIfThere,
  type SynthTarget,
} from './synth/read-delivery-plan.ts';
import { gateFolder, switchOnGate } from './synth/switch-on-gate.ts';

export { type SynthTarget, synthTargets } from './synth/read-delivery-plan.ts';

export interface SynthDeliveryOptions extends DeliveryPlanOptions {
  /** Write nothing; say what would be different. */
  readonly check?: boolean;
}

export interface SynthesizedDelivery {
  readonly files: readonly {
    readonly path: string;
    readonly status: 'written' | 'unchanged' | 'different';
  }[];
  /** What each overlay renders to, and whether its gate would look at all of it. */
  readonly gates: readonly GateCheck[];
  readonly differs: boolean;
}

export interface GateCheck {
  readonly environment: string;
  readonly images: readonly string[];
  /** Images that the gate does not look at. */
  readonly missing: readonly string[];
  readonly isWhole: boolean;
}

interface WantedFile {
  readonly path: string;
  readonly text: string;
  readonly before: string | undefined;
}

/** Writes what clusters deliver by, from the images and the environments; what is not ours is never overwritten. */
export async function synthDelivery(o: SynthDeliveryOptions): Promise<SynthesizedDelivery> {
  const plan = await readDeliveryPlan(o);
  const wanted = await wantedFiles(plan, o);
  const files: SynthesizedDelivery['files'][number][] = [];
  for (const { path, text, before } of wanted) {
    const isSame = before === text;
    if (!isSame && o.check !== true) {
      await makeFolder(dirname(join(o.folder, path)));
      await writeFileAtomically(join(o.folder, path), text);
    }
    files.push({ path, status: isSame ? 'unchanged' : o.check === true ? 'different' : 'written' });
  }
  const gates = o.targets.includes('presync') ? await checkGates(plan, o) : [];
  const isUnchecked = gates.some(({ isWhole }) => !isWhole);
  return { files, gates, differs: isUnchecked || files.some(({ status }) => status === 'different') };
}

/** All files, read and compared before the first is written. */
async function wantedFiles(plan: DeliveryPlan, o: SynthDeliveryOptions): Promise<readonly WantedFile[]> {
  const generated = new Map<string, string>();
  const wants = (target: SynthTarget) => o.targets.includes(target);
  if (wants('kargo')) generated.set('delivery/kargo.yaml', printYaml(kargoProject(plan)));
  if (wants('argocd')) generated.set('delivery/argocd.yaml', printYaml(argoApplications(plan)));
  const overlays: WantedFile[] = [];
  for (const environment of wants('presync') ? plan.environments : []) {
    for (const [name, objects] of presyncGate(plan, environment))
      generated.set(posix.join(environment.path, gateFolder, name), printYaml(objects));
    const path = posix.join(environment.path, 'kustomization.yaml');
    const before = await readIfThere(join(o.folder, path));
    if (before === undefined)
      throw new Fault('FILE_MISSING', { what: 'the overlay has no kustomization.yaml', where: path });
    overlays.push({ path, before, text: switchOnGate(before, path) });
  }
  const files = await Promise.all(
    [...generated].map(async ([path, body]): Promise<WantedFile> => {
      const before = await readIfThere(join(o.folder, path));
      const text = addHeader(body);
      refuseForeign(before, text, path);
      return { path, text, before };
    }),
  );
  return [...files, ...overlays];
}

function refuseForeign(before: string | undefined, text: string, path: string): void {
  const state = compareFile(before, text);
  if (state !== 'foreign' && state !== 'edited') return;
  throw new Fault('USAGE', {
    what: state === 'foreign' ? `${path} was not written by this command` : `${path} was changed by hand`,
    where: path,
    next: 'move it away, and run the command again',
  });
}

/** Renders, extracts and compares: an image that the gate is not told of is one that it lets through. */
async function checkGates(plan: DeliveryPlan, o: SynthDeliveryOptions): Promise<readonly GateCheck[]> {
  const checks: GateCheck[] = [];
  for (const { name, path } of plan.environments) {
    const manifests = await renderManifests(join(o.folder, path), o.env, o.signal);
    const objects = readObjects(manifests ?? '', path);
    const images = findImagePlaces(objects.filter(object => !isGate(object))).map(({ image }) => image);
    const listed = imagesOfGate(objects);
    const missing = images.filter(image => listed?.includes(image) !== true);
    const isWhole = listed !== undefined && listed.toSorted().join('\n') === images.toSorted().join('\n');
    checks.push({ environment: name, images, missing, isWhole });
  }
  return checks;
}
