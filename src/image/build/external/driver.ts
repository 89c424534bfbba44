import { Fault } from '../../../ground/fault/fault.ts';
import { pickEnvironment } from '../../../ground/process/environment.ts';
import { type Finished, run } from '../../../ground/process/run.ts';
import { formatPlatform } from '../../../model/descriptor.ts';
import { parseContent } from '../../oci/content.ts';
import { copyImage } from '../../oci/copy/copy.ts';
import type { Call, Registry } from '../../oci/registry.ts';
import type { BuildRequest, Built } from '../builder.ts';
import { joinPlatforms, type PlatformImage } from '../join-platforms.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A build may take long; one that takes longer than this hangs. */
const longestBuild = 2 * 3600 * 1000;

const passedOn = [
  'DOCKER_HOST',
  'DOCKER_CONFIG',
  'DOCKER_CONTEXT',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
  'BUILDX_BUILDER',
  'BUILDX_CONFIG',
  'REGISTRY_AUTH_FILE',
  'XDG_RUNTIME_DIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

/** Runs a builder's program; its output is shown as it comes, and ends the build when it fails. */
export async function runBuilder(
  program: string,
  args: readonly string[],
  env: Environment,
  request: Pick<BuildRequest, 'workFolder' | 'onStep' | 'dockerfile'> & { readonly platform: string },
  o: Call,
): Promise<Finished> {
  const show = (chunk: Buffer): void => {
    for (const line of chunk.toString('utf8').split('\n'))
      if (line.trim() !== '')
        request.onStep?.({ platform: request.platform, text: line.trim().slice(0, 500) });
  };
  const finished = await run({
    program,
    args,
    env: pickEnvironment(env, ...passedOn),
    cwd: request.workFolder,
    timeLimit: longestBuild,
    onStderr: show,
    ...o,
  });
  if (finished.code === 0) return finished;
  const lastLines = finished.stderr.toString('utf8').trim().split('\n').slice(-8).join('\n');
  throw new Fault('BUILD_FAILED', {
    what: `${program} could not build ${request.dockerfile.path}`,
    where: request.dockerfile.path,
    actual: `${finished.code === undefined ? 'it was ended' : `exit code ${finished.code}`}: ${lastLines.slice(0, 2000)}`,
  });
}

/** Brings what a program built, one image for each platform, to where it shall be: the digest is that of the bytes we pushed. */
export async function collectBuilt(
  request: BuildRequest,
  built: readonly { readonly registry: Registry; readonly reference: string }[],
  o: Call,
): Promise<Omit<Built, 'builder'>> {
  const images: PlatformImage[] = [];
  for (const [at, platform] of request.platforms.entries()) {
    const image = built[at];
    if (image === undefined)
      throw new Fault('BUILD_FAILED', { what: `nothing was built for ${formatPlatform(platform)}` });
    const { registry, reference } = image;
    const manifest = await registry.manifest(reference, o);
    const content = parseContent(manifest);
    const inner = content.kind === 'index' ? content.manifests[0] : undefined;
    const { root } = await copyImage({
      from: registry,
      reference: inner?.digest ?? manifest.descriptor.digest,
      to: request.destination,
      tags: [],
      evidence: false,
      ...o,
    });
    images.push({ platform, descriptor: root });
  }
  return await joinPlatforms(request, images, o);
}

/** The version that a program tells, or undefined when it is not there. */
export async function askVersion(
  program: string,
  args: readonly string[],
  env: Environment,
  o: Call,
): Promise<string | undefined> {
  try {
    const { code, stdout } = await run({
      program,
      args,
      env: pickEnvironment(env, ...passedOn),
      timeLimit: 15_000,
      ...o,
    });
    if (code !== 0) return undefined;
    return /\d+\.\d+(?:\.\d+)?/.exec(stdout.toString('utf8'))?.[0] ?? 'of an unknown version';
  } catch {
    o.signal?.throwIfAborted();
    return undefined;
  }
}

/** `--label A=1 --label B=2` */
export function pairs(flag: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}
