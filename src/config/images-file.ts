import * as z from 'zod';
import {
  choice,
  duration,
  innerPath,
  isMapping,
  mapping,
  pattern,
  text,
  truth,
  words,
} from './text-types.ts';

const imageName = () =>
  text().regex(/^[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9._-]{0,62}$/, {
    error: issue =>
      `the name "${String(issue.input).slice(0, 80)}" must be letters, digits, ".", "_" and "-", at most 63, without ".."`,
  });

const branchName = () =>
  text().regex(/^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)))[^\s~^:?*[\\\p{Cc}]+(?<![/.])$/u, {
    error: issue => `"${String(issue.input).slice(0, 80)}" is not a branch name`,
  });

const Source = mapping({
  provider: choice('github', 'gitlab').optional(),
  host: text().optional(),
  repo: text().optional(),
  branch: branchName().optional(),
  dockerfile: innerPath().optional(),
  workflow: text().optional(),
});

/** One enrolled image; both schemas, freely mixed. */
export const ImageEntry = mapping({
  name: imageName(),
  enabled: truth().optional(),
  registry: text().optional(),
  repository: text().optional(),
  image: text().optional(),
  tag: text().optional(),
  namespace: text().optional(),
  full_name: text().optional(),
  dockerfile: innerPath().optional(),
  context: innerPath().optional(),
  source: Source.optional(),
  build: mapping({
    enabled: truth().optional(),
    args: z.record(z.string(), z.string()).optional(),
    target: text().optional(),
    platforms: z.array(text()).optional(),
  }).optional(),
  test: words().describe('program and arguments that test it, in the folder of its context').optional(),
  local: mapping({
    dir: innerPath().optional(),
    dockerfile: innerPath().optional(),
    patchFiles: z.array(innerPath()).optional(),
    versionFile: innerPath().optional(),
  }).optional(),
  tagging: mapping({
    stateRepo: truth().optional(),
    sourceRepo: truth().optional(),
    sourceRepoSecret: text().optional(),
  }).optional(),
  quarantine: duration().optional(),
  promote: truth().optional(),
  rebuildDelay: duration().optional(),
  autoRebuild: truth().optional(),
  updates: z.unknown().optional(),
  allowTags: pattern().optional(),
  imageSelectionStrategy: choice('Lexical', 'NewestBuild', 'SemVer', 'Digest').optional(),
  repoURL: text().optional(),
  latest_stable_tags: z.array(text()).optional(),
  deploy: mapping({
    provider: text().optional(),
    project: text().optional(),
    workflows: z.array(text()).optional(),
  }).optional(),
  // Catalogue metadata that other tools keep in the same file.
  tier: z.unknown().optional(),
  category: z.unknown().optional(),
  pull_count: z.unknown().optional(),
  star_count: z.unknown().optional(),
  cve_count_approx: z.unknown().optional(),
  weekly_downloads: z.unknown().optional(),
  tier_rationale: z.unknown().optional(),
  deprecated: truth().optional(),
  recommended_replacement: text().optional(),
});
export type ImageEntry = z.infer<typeof ImageEntry>;

const ImageList = z.array(ImageEntry).superRefine((images, context) => {
  const seen = new Map<string, number>();
  for (const [index, { name }] of images.entries()) {
    const first = seen.get(name.toLowerCase());
    if (first === undefined) seen.set(name.toLowerCase(), index);
    else
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `the name "${name}" is taken by image ${first + 1}`,
      });
  }
});

/** `images.yaml`: a bare list, or a mapping with `images`. */
export const ImagesFile = z
  .preprocess(toMapping, mapping({ images: ImageList }))
  .meta({ shorthand: 'images' });
export type ImagesFile = z.infer<typeof ImagesFile>;

/** Where a problem stands in the file as it was written: the bare list has no `images` key. */
export function pathInImagesFile(path: readonly PropertyKey[], written: unknown): readonly PropertyKey[] {
  return isMapping(written) ? path : path.slice(1);
}

function toMapping(value: unknown): unknown {
  if (Array.isArray(value) || value === undefined) return { images: value ?? [] };
  return isMapping(value) ? { images: [], ...value } : value;
}
