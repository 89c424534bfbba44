import { Fault } from '../../../ground/fault/fault.ts';
import { type Descriptor, mediaTypes, type Platform } from '../../../model/descriptor.ts';
import { neededStages, readStages, type Stages, targetStage } from '../../dockerfile/stages.ts';
import { describeBytes, pushBytes } from '../../oci/push-content.ts';
import type { Call } from '../../oci/registry.ts';
import type { Builder, BuildRequest, Built } from '../builder.ts';
import { joinPlatforms, type PlatformImage } from '../join-platforms.ts';
import { findUnsupported } from './abilities.ts';
import type { StageState } from './instruction-context.ts';
import { platformArguments } from './platform-arguments.ts';
import { StageBuilder } from './stage-builder.ts';

/** Builds what needs no RUN, in this process: no daemon, no privilege, and the same bytes every time. */
export function embeddedBuilder(version: string): Builder {
  return {
    id: 'embedded',
    probe: async () => ({ available: true, reason: 'always here', version }),
    unsupported: ({ dockerfile, target, buildArgs }) =>
      findUnsupported(dockerfile, { buildArgs, ...(target !== undefined && { target }) }),
    build: async (request, o) => ({ ...(await build(request, o)), builder: { driver: 'embedded', version } }),
  };
}

async function build(request: BuildRequest, o: Call): Promise<Omit<Built, 'builder'>> {
  const images: PlatformImage[] = [];
  for (const platform of request.platforms)
    images.push({ platform, descriptor: await buildPlatform(request, platform, o) });
  return await joinPlatforms(request, images, o);
}

async function buildPlatform(request: BuildRequest, platform: Platform, o: Call): Promise<Descriptor> {
  const platformArgs = platformArguments(platform);
  const stages = readStages(request.dockerfile, { buildArgs: request.buildArgs, platformArgs });
  const state = await buildStages(request, platform, platformArgs, stages, o);
  for (const layer of state.layers) await request.destination.push(layer.push, o);
  const config = Buffer.from(JSON.stringify(configOf(state, request)));
  const descriptor = describeBytes(mediaTypes.config, config);
  await pushBytes(request.destination, descriptor, config, o);
  const bytes = Buffer.from(JSON.stringify(manifestOf(state, descriptor, request)));
  const manifest = describeBytes(mediaTypes.manifest, bytes);
  await request.destination.push({ kind: 'manifest', descriptor: manifest, bytes }, o);
  return manifest;
}

function manifestOf({ layers }: StageState, config: Descriptor, { annotations }: BuildRequest): object {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: layers.map(({ descriptor: { mediaType, digest, size } }) => ({
      mediaType: ociLayerType(mediaType),
      digest,
      size,
    })),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

async function buildStages(
  request: BuildRequest,
  platform: Platform,
  platformArgs: Readonly<Record<string, string>>,
  stages: Stages,
  o: Call,
): Promise<StageState> {
  const target = targetStage(stages.stages, request.target);
  if (target === undefined) {
    const names = stages.stages.flatMap(({ name }) => name ?? []);
    throw new Fault('DOCKERFILE_INVALID', {
      what: `${request.dockerfile.path} has no stage "${request.target ?? ''}"`,
      where: request.dockerfile.path,
      expected: names.length === 0 ? 'a Dockerfile that names its stages' : `one of ${names.join(', ')}`,
    });
  }
  const builder = new StageBuilder({ request, platform, platformArgs, stages }, o);
  let state: StageState | undefined;
  for (const stage of neededStages(stages.stages, target)) state = await builder.build(stage);
  if (state === undefined) throw new Error('a target needs at least itself');
  return state;
}

function configOf({ image }: StageState, { epoch, labels }: BuildRequest): Record<string, unknown> {
  const created = new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
  const merged = { ...image.config.Labels, ...labels };
  return {
    created,
    ...(image.author !== undefined && { author: image.author }),
    architecture: image.architecture,
    ...(image.variant !== undefined && { variant: image.variant }),
    os: image.os,
    config: { ...image.config, ...(Object.keys(merged).length > 0 && { Labels: merged }) },
    rootfs: { type: 'layers', diff_ids: image.diffIds },
    history: image.history,
  };
}

/** A base in Docker's types becomes an OCI image; the bytes of its layers are the same in both. */
function ociLayerType(mediaType: string): string {
  return mediaType === 'application/vnd.docker.image.rootfs.diff.tar.gzip' ? mediaTypes.layerGzip : mediaType;
}
