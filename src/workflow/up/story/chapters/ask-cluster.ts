import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { admissionTargets, generateAdmission } from '../../../generate-admission.ts';
import type { ReleasedImage } from '../../../release-image.ts';
import { type SimulatedPod, simulateAdmission } from '../../../simulate-admission.ts';
import type { Repositories } from '../repositories.ts';
import type { Teller } from '../teller.ts';
import type { Workshop } from '../workshop.ts';

/** What a cluster would say to production, to an image that nobody signed and to a tag, by the rules that are generated for it. */
export async function askCluster(
  workshop: Workshop,
  teller: Teller,
  { shop }: Repositories,
  passed: ReadonlyMap<string, ReleasedImage>,
  stranger: string,
): Promise<void> {
  const { env, signal, clock, host, sigstore } = workshop;
  const cwd = join(workshop.folder, 'cluster');
  await mkdir(cwd, { recursive: true });
  const { files } = await generateAdmission({
    cwd,
    name: 'bookstore',
    targets: admissionTargets,
    repositories: [...passed.keys(), 'stranger'].map(name => `${host}/bookstore/${name}`),
    outputFolder: '.',
    promotion: join(shop.work, 'promotion.yaml'),
  });
  await writeFile(join(cwd, 'pods.yaml'), await manifestsOf(workshop, passed, stranger));
  const { pods } = await simulateAdmission({
    cwd,
    env,
    signal,
    clock,
    files: files.map(({ path }) => path),
    pods: ['pods.yaml'],
    allowLocalTrust: true,
    local: { folder: sigstore },
  });
  const [unsigned, tagged, ...running] = pods;
  const refused = running.filter(({ verdict }) => verdict !== 'admitted');
  teller.line(`cluster    ${pods.length} pods by the rules of Kubernetes, Kyverno and the policy-controller`);
  teller.claim(
    'the rules of a cluster admit what runs in production',
    running.length === passed.size && refused.length === 0,
    refused.flatMap(reasonsOf).join(', '),
  );
  teller.claim(
    'the rules of a cluster refuse the unsigned image',
    refusedBy(unsigned, 'ImageValidatingPolicy') && refusedBy(unsigned, 'ClusterImagePolicy'),
  );
  teller.claim('the rules of a cluster refuse the tag', refusedBy(tagged, 'ValidatingAdmissionPolicy'));
}

/** The two strangers first, then the manifests of the environments with the digests that were promoted. */
async function manifestsOf(
  { folder, host }: Workshop,
  passed: ReadonlyMap<string, ReleasedImage>,
  stranger: string,
): Promise<string> {
  const pod = (name: string, image: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: [{ name, image }] },
    });
  const base = join(folder, 'config', 'base');
  const names = (await readdir(base)).filter(name => name !== 'kustomization.yaml').sort();
  const texts = await Promise.all(names.map(async name => await readFile(join(base, name), 'utf8')));
  const pinned = texts.map(text =>
    text.replace(/image: bookstore\/([a-z]+)$/gm, (whole, name: string) => {
      const digest = passed.get(name)?.digest;
      return digest === undefined ? whole : `image: ${host}/bookstore/${name}@${digest}`;
    }),
  );
  return [pod('unsigned', stranger), pod('by-tag', `${host}/bookstore/web:1.0`), ...pinned].join('\n---\n');
}

function refusedBy(pod: SimulatedPod | undefined, kind: string): boolean {
  return (
    pod?.answers.some(({ rule, verdict }) => rule.startsWith(`${kind}/`) && verdict === 'refused') === true
  );
}

function reasonsOf({ answers }: SimulatedPod): readonly string[] {
  return answers.flatMap(({ reasons }) => reasons);
}
