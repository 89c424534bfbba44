import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatPlatform } from '../../../model/descriptor.ts';
import { isLoopbackHost } from '../../../model/image-reference.ts';
import { LayoutRegistry } from '../../oci/layout/layout.ts';
import type { Call } from '../../oci/registry.ts';
import type { Builder, BuildRequest, Built } from '../builder.ts';
import { askVersion, collectBuilt, type Environment, pairs, runBuilder } from './driver.ts';
import { writePinnedDockerfile } from './pinned-dockerfile.ts';

/** Builds with buildah: no daemon, and RUN in a chroot. Its storage is a folder of this one build. */
export function buildahBuilder(env: Environment): Builder {
  return {
    id: 'buildah',
    probe: async o => {
      const version = await askVersion('buildah', ['--version'], env, o);
      return version === undefined
        ? { available: false, reason: 'not installed' }
        : { available: true, reason: `version ${version}`, version };
    },
    unsupported: () => [],
    build: (request, o) => build(request, env, o),
  };
}

async function build(request: BuildRequest, env: Environment, o: Call): Promise<Built> {
  const version = (await askVersion('buildah', ['--version'], env, o)) ?? 'unknown';
  const dockerfile = await writePinnedDockerfile(request);
  const storage = [
    '--root',
    join(request.workFolder, 'storage'),
    '--runroot',
    join(request.workFolder, 'run'),
    '--storage-driver',
    'vfs',
  ];
  const ignoreFile = join(request.workFolder, 'ignore');
  const hasIgnore = await copyFile(`${request.file}.dockerignore`, ignoreFile).then(
    () => true,
    () => false,
  );
  const layout = join(request.workFolder, 'built');
  try {
    for (const [at, platform] of request.platforms.entries()) {
      const text = formatPlatform(platform);
      const idFile = join(request.workFolder, `id-${at}`);
      const watch = { ...request, platform: text };
      await runBuilder(
        'buildah',
        [
          ...storage,
          'build',
          '--isolation',
          'chroot',
          '--format',
          'oci',
          '--layers=false',
          '--timestamp',
          String(request.epoch),
          '--platform',
          text,
          '--file',
          dockerfile,
          '--iidfile',
          idFile,
          ...(hasIgnore ? ['--ignorefile', ignoreFile] : []),
          ...pairs('--build-arg', request.buildArgs),
          ...pairs('--label', request.labels),
          ...pairs('--annotation', request.annotations),
          ...(request.target === undefined ? [] : ['--target', request.target]),
          // A registry on this machine speaks plain http, as everywhere else in this program.
          ...([...request.bases.values()].some(({ pinned }) => isLoopbackHost(pinned.split('/')[0] ?? ''))
            ? ['--tls-verify=false']
            : []),
          '--tag',
          `localhost/cg-build:${at}`,
          '--',
          request.context,
        ],
        env,
        watch,
        o,
      );
      await runBuilder(
        'buildah',
        [...storage, 'push', `localhost/cg-build:${at}`, `oci:${layout}:p${at}`],
        env,
        watch,
        o,
      );
    }
    const registry = new LayoutRegistry(layout);
    const built = request.platforms.map((_, at) => ({ registry, reference: `p${at}` }));
    return { ...(await collectBuilt(request, built, o)), builder: { driver: 'buildah', version } };
  } finally {
    // Overlays and read-only folders: what buildah made it can also remove.
    await runBuilder(
      'buildah',
      [...storage, 'rmi', '--all', '--force'],
      env,
      { ...request, platform: '' },
      {},
    ).catch(() => undefined);
    await rm(join(request.workFolder, 'storage'), { recursive: true, force: true }).catch(() => undefined);
  }
}
