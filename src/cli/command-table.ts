import type { AnyCommand } from './command.ts';

/** One line per command; its code is loaded only when it runs. `cg copy` lives in commands/copy.ts, `cg config show` in commands/config/show.ts. */
export interface CommandEntry {
  readonly path: string;
  readonly purpose: string;
  readonly group: CommandGroup;
  readonly load: () => Promise<{ readonly command: AnyCommand }>;
  /** Spellings that people of other tools type. */
  readonly aliases?: readonly string[];
  /** Spellings of earlier tools, with the words that they stand for; each use says what it is called now. */
  readonly formerly?: Readonly<Record<string, readonly string[]>>;
}

/** What the nouns that group commands are about. */
export const nounPurposes: Readonly<Record<string, string>> = {
  admission: 'what a cluster lets in',
  ci: 'stages of a pipeline, one job each',
  config: 'settings and where they come from',
  db: 'known vulnerabilities on this machine',
  images: 'the images that are kept, and what they stand on',
  registry: 'the embedded registry',
  sigstore: 'the local Sigstore',
  tools: 'pipelines of a repository, and which scanners may run',
  trust: 'whom signatures are checked against',
};

export const commandGroups = [
  'Start',
  'Images',
  'Evidence',
  'Fleet',
  'Delivery',
  'CI',
  'Servers',
  'This program',
] as const;
export type CommandGroup = (typeof commandGroups)[number];

export const commandTable: readonly CommandEntry[] = [
  {
    path: 'up',
    purpose: 'run everything on this machine, with a tour',
    group: 'Start',
    load: () => import('./commands/up.ts'),
  },
  {
    path: 'doctor',
    purpose: 'check what this machine has and lacks, and how to mend it',
    group: 'Start',
    load: () => import('./commands/doctor.ts'),
  },
  {
    path: 'config show',
    purpose: 'print every setting with its value and where it comes from',
    group: 'Start',
    load: () => import('./commands/config/show.ts'),
  },
  {
    path: 'build',
    purpose: 'build an image, reproducibly and by digest',
    group: 'Images',
    load: () => import('./commands/build.ts'),
  },
  {
    path: 'copy',
    purpose: 'copy an image with its evidence, from anywhere to anywhere',
    group: 'Images',
    load: () => import('./commands/copy.ts'),
    aliases: ['cp'],
  },
  {
    path: 'inspect',
    purpose: 'show an image: platforms, configuration, layers, and what refers to it',
    group: 'Images',
    load: () => import('./commands/inspect.ts'),
  },
  {
    path: 'sbom',
    purpose: 'list what is installed in an image: SPDX, CycloneDX',
    group: 'Images',
    load: () => import('./commands/sbom.ts'),
  },
  {
    path: 'scan',
    purpose: 'look an image up in every scanner, and give one answer',
    group: 'Images',
    load: () => import('./commands/scan.ts'),
  },
  {
    path: 'db import',
    purpose: 'take in advisories: OSV records, a Trivy database',
    group: 'Images',
    load: () => import('./commands/db/import.ts'),
  },
  {
    path: 'db update',
    purpose: 'fetch the newest advisories, from mirrors',
    group: 'Images',
    load: () => import('./commands/db/update.ts'),
  },
  {
    path: 'db status',
    purpose: 'show which advisories are here, and how old they are',
    group: 'Images',
    load: () => import('./commands/db/status.ts'),
  },
  {
    path: 'login',
    purpose: 'log in to a registry',
    group: 'Images',
    load: () => import('./commands/login.ts'),
  },
  {
    path: 'logout',
    purpose: 'forget a login',
    group: 'Images',
    load: () => import('./commands/logout.ts'),
  },
  {
    path: 'sign',
    purpose: 'sign an image by its digest, as this job or with a key',
    group: 'Evidence',
    load: () => import('./commands/sign.ts'),
  },
  {
    path: 'attest',
    purpose: 'state signed things about an image: provenance, SBOM, scans',
    group: 'Evidence',
    load: () => import('./commands/attest.ts'),
  },
  {
    path: 'verify',
    purpose: 'judge every signature and attestation of an image',
    group: 'Evidence',
    load: () => import('./commands/verify.ts'),
  },
  {
    path: 'gate',
    purpose: 'decide by a policy whether images may be promoted',
    group: 'Evidence',
    load: () => import('./commands/gate.ts'),
    aliases: ['validate image', 'gate image'],
  },
  {
    path: 'explain',
    purpose: 'say why images are denied, and the proven change that turns it',
    group: 'Evidence',
    load: () => import('./commands/explain.ts'),
    aliases: ['gate explain'],
  },
  {
    path: 'provenance',
    purpose: 'say how an image was built, as a SLSA predicate',
    group: 'Evidence',
    load: () => import('./commands/provenance.ts'),
  },
  {
    path: 'trust show',
    purpose: 'show which keys judge evidence, and how old they are',
    group: 'Evidence',
    load: () => import('./commands/trust/show.ts'),
  },
  {
    path: 'trust update',
    purpose: 'refresh the public root from its signed repository',
    group: 'Evidence',
    load: () => import('./commands/trust/update.ts'),
  },
  {
    path: 'images enrol',
    purpose: 'add an image to images.yaml',
    group: 'Fleet',
    load: () => import('./commands/images/enrol.ts'),
    formerly: { enrol: [], 'images enroll': [] },
  },
  {
    path: 'images validate',
    purpose: 'check images.yaml and the Dockerfiles that it names',
    group: 'Fleet',
    load: () => import('./commands/images/validate.ts'),
    formerly: { validate: [] },
  },
  {
    path: 'images generate',
    purpose: 'write what is known of images and bases, without deciding anything',
    group: 'Fleet',
    load: () => import('./commands/images/generate.ts'),
  },
  {
    path: 'images check',
    purpose: 'look at every base once: new digests, quarantine, pins',
    group: 'Fleet',
    load: () => import('./commands/images/check.ts'),
    formerly: {
      check: [],
      'images check-upstream': ['--tags-only'],
      'check-upstream': ['--tags-only'],
      'images pin': ['--no-commit'],
    },
  },
  {
    path: 'images status',
    purpose: 'show images, what they stand on, and who waits for what',
    group: 'Fleet',
    load: () => import('./commands/images/status.ts'),
    formerly: { status: [] },
  },
  {
    path: 'images plan',
    purpose: 'say what has to be rebuilt, why, and in which order',
    group: 'Fleet',
    load: () => import('./commands/images/plan.ts'),
  },
  {
    path: 'bump',
    purpose: 'pin digests in an environment that Git describes',
    group: 'Delivery',
    load: () => import('./commands/bump.ts'),
  },
  {
    path: 'promote',
    purpose: 'move digests from one environment to the next',
    group: 'Delivery',
    load: () => import('./commands/promote.ts'),
  },
  {
    path: 'rollback',
    purpose: 'bring back the digests that an environment had before',
    group: 'Delivery',
    load: () => import('./commands/rollback.ts'),
  },
  {
    path: 'where',
    purpose: 'show which digest is in which environment',
    group: 'Delivery',
    load: () => import('./commands/where.ts'),
  },
  {
    path: 'presync',
    purpose: 'judge the images of a sync before it begins, as a Job of Argo CD',
    group: 'Delivery',
    load: () => import('./commands/presync.ts'),
  },
  {
    path: 'synth',
    purpose: 'write what Kargo and Argo CD deliver by, and the gates of the environments',
    group: 'Delivery',
    load: () => import('./commands/synth.ts'),
  },
  {
    path: 'admission generate',
    purpose: 'write what a cluster asks of images, from the policy of the gate',
    group: 'Delivery',
    load: () => import('./commands/admission/generate.ts'),
  },
  {
    path: 'admission simulate',
    purpose: 'judge pods by exactly the policies that were generated',
    group: 'Delivery',
    load: () => import('./commands/admission/simulate.ts'),
  },
  {
    path: 'tools generate',
    purpose: 'write the CI pipelines of a repository, for GitHub and GitLab',
    group: 'CI',
    load: () => import('./commands/tools/generate.ts'),
    aliases: ['pipeline generate', 'ci generate', 'build generate', 'generate-ci'],
  },
  {
    path: 'tools lock',
    purpose: 'say which scanners may run, and what proves that they are the right ones',
    group: 'CI',
    load: () => import('./commands/tools/lock.ts'),
  },
  {
    path: 'ci plan',
    purpose: 'say which images a pipeline has to build, and why',
    group: 'CI',
    load: () => import('./commands/ci/plan.ts'),
  },
  {
    path: 'ci test',
    purpose: "run the project's own test of an image",
    group: 'CI',
    load: () => import('./commands/ci/test.ts'),
  },
  {
    path: 'ci build',
    purpose: 'build an enrolled image, by digest, in a job that cannot sign',
    group: 'CI',
    load: () => import('./commands/ci/build.ts'),
  },
  {
    path: 'ci scan',
    purpose: 'scan exactly that digest, and keep what was found',
    group: 'CI',
    load: () => import('./commands/ci/scan.ts'),
  },
  {
    path: 'ci gate',
    purpose: 'decide by what the scan found',
    group: 'CI',
    load: () => import('./commands/ci/gate.ts'),
  },
  {
    path: 'ci attest',
    purpose: 'attest provenance, SBOM and scans of the digest',
    group: 'CI',
    load: () => import('./commands/ci/attest.ts'),
  },
  {
    path: 'ci sign',
    purpose: 'sign the digest, as this job',
    group: 'CI',
    load: () => import('./commands/ci/sign.ts'),
  },
  {
    path: 'ci verify',
    purpose: 'judge it by the policy of whoever takes it',
    group: 'CI',
    load: () => import('./commands/ci/verify.ts'),
  },
  {
    path: 'ci publish',
    purpose: 'tag what was verified',
    group: 'CI',
    load: () => import('./commands/ci/publish.ts'),
  },
  {
    path: 'ci collect',
    purpose: 'put the results of all images together',
    group: 'CI',
    load: () => import('./commands/ci/collect.ts'),
  },
  {
    path: 'ci resolve',
    purpose: 'find the digests that a commit became',
    group: 'CI',
    load: () => import('./commands/ci/resolve.ts'),
  },
  {
    path: 'ci tag',
    purpose: 'give the digests of a release their version',
    group: 'CI',
    load: () => import('./commands/ci/tag.ts'),
  },
  {
    path: 'ci bump',
    purpose: 'pin a release in an environment',
    group: 'CI',
    load: () => import('./commands/ci/bump.ts'),
  },
  {
    path: 'ci rescan',
    purpose: 'scan what runs with the advisories of today',
    group: 'CI',
    load: () => import('./commands/ci/rescan.ts'),
  },
  {
    path: 'ci sarif',
    purpose: 'tell GitHub what a rescan found',
    group: 'CI',
    load: () => import('./commands/ci/sarif.ts'),
  },
  {
    path: 'registry serve',
    purpose: 'run a registry on this machine',
    group: 'Servers',
    load: () => import('./commands/registry/serve.ts'),
  },
  {
    path: 'registry gc',
    purpose: 'remove what no image of a registry folder uses any more',
    group: 'Servers',
    load: () => import('./commands/registry/gc.ts'),
  },
  {
    path: 'sigstore serve',
    purpose: 'run a Sigstore on this machine, to try keyless signing',
    group: 'Servers',
    load: () => import('./commands/sigstore/serve.ts'),
  },
  {
    path: 'sigstore token',
    purpose: 'print a development identity for the local Sigstore',
    group: 'Servers',
    load: () => import('./commands/sigstore/token.ts'),
  },
  {
    path: 'completion',
    purpose: 'print the completion script for bash, zsh or fish',
    group: 'This program',
    load: () => import('./commands/completion.ts'),
  },
];
