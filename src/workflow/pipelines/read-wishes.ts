import { join, normalize, resolve } from 'node:path';
import { type Pin, parseImagePin } from '../../delivery/pipeline/pins.ts';
import type { PipelineWishes } from '../../delivery/pipeline/plan-pipeline.ts';
import { Fault } from '../../ground/fault/fault.ts';
import type { Fleet } from '../images/read-fleet.ts';

/** What the files of a repository ask of its pipeline. */
export function readWishes(fleet: Fleet): PipelineWishes {
  const images = fleet.images.flatMap(({ name, isManaged, remote, context, dockerfile }) =>
    isManaged && remote === undefined && dockerfile !== undefined
      ? [{ name, context: tidy(context), dockerfile: tidy(dockerfile) }]
      : [],
  );
  const base = fleet.settings.get('git.baseBranch');
  const branch = typeof base === 'string' ? base : 'main';
  const environments = Object.entries(fleet.project.gitops?.environments ?? {});
  const first = environments.find(([, { from }]) => from === undefined);
  const next = environments.find(([, { from }], at) => (from ?? environments[at - 1]?.[0]) === first?.[0]);
  return {
    images,
    branch,
    ...(first !== undefined && { stage: toStage(first) }),
    ...(first !== undefined && next !== undefined && { nextStage: toStage(next) }),
  };
}

function toStage([name, { policy, promotion }]: readonly [
  string,
  { readonly policy?: string | undefined; readonly promotion?: string | undefined },
]): NonNullable<PipelineWishes['stage']> {
  return { name, hasPolicy: (policy ?? promotion) !== undefined };
}

function tidy(path: string): string {
  return normalize(path).replace(/(.)\/$/, '$1');
}

/** The steps of a pipeline run at the top of the repository, and the files have the names that are ours. */
export function refuseUnsupported(fleet: Fleet, cwd: string): void {
  const file = resolve(cwd, fleet.file);
  const expected = join(fleet.root, 'images.yaml');
  if (file !== expected) {
    throw new Fault('PIPELINE_UNSUPPORTED', {
      what: 'a pipeline reads images.yaml at the top of its repository',
      where: fleet.file,
      expected,
      next: `move ${fleet.file} there, or set IMAGES_YAML in a pipeline of your own`,
    });
  }
  if (fleet.project.ci?.layout !== 'classic') return;
  throw new Fault('PIPELINE_UNSUPPORTED', {
    what: 'pipelines under the older names (build-image.yaml, ci.yaml) are not written yet',
    where: '.cascadeguard.yaml: ci.layout',
    expected: 'cg',
    actual: 'classic',
    next: 'take ci.layout out, and remove the older files once cg-pr.yml and cg-merge.yml run',
  });
}

/** The image that jobs on GitLab run in. */
export function readJobImage(fleet: Fleet): readonly [string, Pin] {
  const text = fleet.project.ci?.image ?? fleet.project.cli?.image ?? '';
  const pin = parseImagePin(text);
  if (pin !== undefined) return pin;
  throw new Fault('PIPELINE_UNSUPPORTED', {
    what:
      text === ''
        ? 'jobs on GitLab run in an image, and none is named'
        : 'the image that jobs on GitLab run in is not pinned by its digest',
    where: '.cascadeguard.yaml: ci.image',
    expected: 'an image with Node.js, npm and git, and a builder for RUN, as NAME:TAG@sha256:…',
    ...(text !== '' && { actual: text.slice(0, 200) }),
    next: 'cg inspect docker.io/library/node:24-bookworm prints its digest; write ci: { image: "NAME:TAG@sha256:…" }',
  });
}
