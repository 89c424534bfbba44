import type { ImageEntry } from '../../config/images-file.ts';
import type { ProjectFile } from '../../config/project-file.ts';
import { identityOf } from '../../fleet/base-name.ts';
import type { EnrolledImage } from '../../fleet/enrolment.ts';
import { defined } from '../../model/defined.ts';
import { durationOf } from '../../model/duration.ts';
import { parseImageReference } from '../../model/image-reference.ts';

export interface FleetDefaults {
  readonly project: ProjectFile;
  readonly settings: ReadonlyMap<string, unknown>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** An entry with the defaults of its repository: what the image says itself wins. */
export function toEnrolledImage(entry: ImageEntry, defaults: FleetDefaults): EnrolledImage {
  const { project, settings } = defaults;
  const registry = entry.registry ?? project.defaults?.registry;
  const repository = entry.repository ?? entry.image ?? project.defaults?.repository ?? entry.name;
  const dockerfile = dockerfileOf(entry, defaults);
  const enabled = entry.enabled ?? true;
  const isManaged = enabled && entry.build?.enabled !== false && dockerfile !== undefined;
  const remote = remoteOf(entry, defaults);
  const tag = entry.tag ?? 'latest';
  const published = publishedAs(registry, repository, tag);
  return {
    name: entry.name,
    enabled,
    isManaged,
    repository,
    tag,
    context: entry.context ?? localFolder(entry, defaults) ?? '.',
    ...defined({
      published,
      registry,
      dockerfile,
      remote,
      target: entry.build?.target,
      test: entry.test ?? project.ci?.test,
    }),
    buildArgs: entry.build?.args ?? {},
    platforms: entry.build?.platforms ?? [],
    quarantine: {
      window: durationOf(entry.quarantine ?? (settings.get('quarantine.period') as string | undefined)),
      select: settings.get('quarantine.select') === 'current' ? 'current' : 'newest-eligible',
      deny: project.quarantine?.deny ?? [],
    },
    hasOwnWindow: entry.quarantine !== undefined,
    promote: entry.promote ?? settings.get('check.promote.enabled') !== false,
    rebuildDelay: durationOf(entry.rebuildDelay),
    autoRebuild: entry.autoRebuild ?? true,
    knownTags: entry.latest_stable_tags ?? [],
    enrollment: defined({
      registry: entry.registry,
      repository: entry.repository,
      source: entry.source,
      rebuildDelay: entry.rebuildDelay,
      autoRebuild: entry.autoRebuild === undefined ? undefined : String(entry.autoRebuild),
      updates: entry.updates,
    }),
  };
}

function localFolder({ local }: ImageEntry, { project }: FleetDefaults): string | undefined {
  return local?.dir ?? (local === undefined ? undefined : project.defaults?.local?.dir);
}

function dockerfileOf(entry: ImageEntry, defaults: FleetDefaults): string | undefined {
  const folder = localFolder(entry, defaults);
  const local = entry.local?.dockerfile;
  const inLocal = local === undefined || folder === undefined ? local : `${folder}/${local}`;
  return (
    entry.source?.dockerfile ??
    entry.dockerfile ??
    inLocal ??
    (entry.source?.repo === undefined ? undefined : 'Dockerfile')
  );
}

/** A repository that is named and is the one we are in needs no fetching. */
function remoteOf({ source }: ImageEntry, { env }: FleetDefaults): EnrolledImage['remote'] {
  if (source?.repo === undefined) return undefined;
  const here = [env['GITHUB_REPOSITORY'], env['CI_PROJECT_PATH']];
  if (here.some(name => name?.toLowerCase() === source.repo?.toLowerCase())) return undefined;
  return { provider: source.provider ?? 'github', repo: source.repo };
}

function publishedAs(registry: string | undefined, repository: string, tag: string): string | undefined {
  if (registry === undefined) return undefined;
  const parsed = parseImageReference(`${registry}/${repository}:${tag}`);
  return 'value' in parsed ? identityOf(parsed.value) : undefined;
}
