import { join } from 'node:path';
import type { Pipeline, PipelineImage } from '../../delivery/pipeline/model.ts';
import { readRegularFile } from '../../ground/store/regular-file.ts';
import { readIgnoreRules } from '../../image/dockerfile/ignore.ts';
import type { Forge } from '../../model/forge.ts';
import type { Fleet } from '../images/read-fleet.ts';

export interface Advised {
  readonly fleet: Fleet;
  readonly chosen: readonly Forge[];
  readonly pipeline: Pipeline;
  readonly version: string;
}

/** What would let the pipelines fail, or do more than is wanted, although the files are right. */
export async function adviseOn({ fleet, chosen, pipeline, version }: Advised): Promise<readonly string[]> {
  const { cli, scan } = fleet.project;
  const isOther = cli?.version !== undefined && cli.version !== version;
  return [
    ...(isOther
      ? [
          `.cascadeguard.yaml asks for cg ${cli.version} and this is ${version}; next: npx cascadeguard@${cli.version}`,
        ]
      : []),
    ...(chosen.includes('github') ? adviseOnGithub(fleet, scan?.require ?? '2-engines') : []),
    ...(await adviseOnContexts(fleet, pipeline)),
  ];
}

function adviseOnGithub(fleet: Fleet, engines: string): readonly string[] {
  const strangers = fleet.images.filter(({ isManaged, registry }) => isManaged && registry !== 'ghcr.io');
  return [
    ...(engines === '1-engine'
      ? []
      : [
          `jobs on GitHub have one engine and ${engines} must have looked, so no scan would have a verdict; ` +
            'next: scan: { require: 1-engine } in .cascadeguard.yaml',
        ]),
    ...(strangers.length === 0
      ? []
      : [
          'the token of a job on GitHub opens ghcr.io and no other registry, so these cannot be pushed: ' +
            listOf(strangers),
        ]),
  ];
}

/** What a job puts into the repository, which COPY would find. */
const ofTheJob = ['.cg', '.cascadeguard/node_modules'];

async function adviseOnContexts(fleet: Fleet, { images }: Pipeline): Promise<readonly string[]> {
  const open: PipelineImage[] = [];
  for (const image of images) {
    if (image.context !== '.') continue;
    const { isIgnored } = readIgnoreRules(await readIgnoreFile(fleet.root, image));
    if (ofTheJob.some(folder => !isIgnored(`${folder}/any`))) open.push(image);
  }
  if (open.length === 0) return [];
  return [
    `these are built from the whole repository, and find in it what a job puts there: ${listOf(open)}; ` +
      `next: add ${ofTheJob.join(' and ')} to .dockerignore, or give them a context in images.yaml`,
  ];
}

/** That of the Dockerfile comes before that of the context. */
async function readIgnoreFile(root: string, { dockerfile }: PipelineImage): Promise<string> {
  for (const name of [`${dockerfile}.dockerignore`, '.dockerignore']) {
    const bytes = await readRegularFile(join(root, name), 1024 * 1024).catch(() => undefined);
    if (bytes !== undefined) return bytes.toString('utf8');
  }
  return '';
}

function listOf(images: readonly { readonly name: string }[]): string {
  const names = images.map(({ name }) => name);
  return names.length <= 10
    ? names.join(', ')
    : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`;
}
