import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatPlatform } from '../../../model/descriptor.ts';
import { OciArchive } from '../../oci/archive/oci-archive.ts';
import type { Call } from '../../oci/registry.ts';
import type { Builder, BuilderProbe, BuildRequest, Built } from '../builder.ts';
import { askVersion, collectBuilt, type Environment, pairs, runBuilder } from './driver.ts';
import { writePinnedDockerfile } from './pinned-dockerfile.ts';

/** As a plugin of docker, or as a program of its own. */
const spellings = [['docker', 'buildx'], ['docker-buildx']] as const;

/** Builds with BuildKit through `docker buildx`, whatever builder that is set up to use. */
export function buildxBuilder(env: Environment): Builder {
  return {
    id: 'buildx',
    probe: async o => (await findBuildx(env, o)).probe,
    unsupported: () => [],
    build: (request, o) => build(request, env, o),
  };
}

interface FoundBuildx {
  readonly probe: BuilderProbe;
  readonly command?: readonly [string, ...string[]];
}

async function findBuildx(env: Environment, o: Call): Promise<FoundBuildx> {
  for (const command of spellings) {
    const [program, ...prefix] = command;
    const version = await askVersion(program, [...prefix, 'version'], env, o);
    if (version === undefined) continue;
    const answers = await askVersion(program, [...prefix, 'inspect'], env, o);
    return answers === undefined
      ? { probe: { available: false, reason: `version ${version}, but its builder does not answer` } }
      : { probe: { available: true, reason: `version ${version}`, version }, command };
  }
  return { probe: { available: false, reason: 'not installed' } };
}

async function build(request: BuildRequest, env: Environment, o: Call): Promise<Built> {
  const { probe, command: [program, ...prefix] = ['docker', 'buildx'] } = await findBuildx(env, o);
  const dockerfile = await writePinnedDockerfile(request);
  await copyFile(`${request.file}.dockerignore`, `${dockerfile}.dockerignore`).catch(() => undefined);
  const built = [];
  for (const [at, platform] of request.platforms.entries()) {
    const text = formatPlatform(platform);
    const archive = join(request.workFolder, `built-${at}.tar`);
    await runBuilder(
      program,
      [
        ...prefix,
        'build',
        '--platform',
        text,
        '--file',
        dockerfile,
        '--progress',
        'plain',
        // Ours are made from the record; BuildKit's own are unsigned, and turn every image into an index.
        '--provenance=false',
        '--sbom=false',
        '--output',
        `type=oci,dest=${archive},oci-mediatypes=true,rewrite-timestamp=true`,
        '--build-arg',
        `SOURCE_DATE_EPOCH=${request.epoch}`,
        ...pairs('--build-arg', request.buildArgs),
        ...pairs('--label', request.labels),
        ...pairs('--annotation', request.annotations),
        ...(request.target === undefined ? [] : ['--target', request.target]),
        '--',
        request.context,
      ],
      env,
      { ...request, platform: text },
      o,
    );
    const registry = await OciArchive.open(archive);
    const [root] = registry.index.entries;
    if (root !== undefined) built.push({ registry, reference: root.digest });
  }
  return {
    ...(await collectBuilt(request, built, o)),
    builder: { driver: 'buildx', version: probe.version ?? 'unknown' },
  };
}
