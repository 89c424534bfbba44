import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type BuildImageOptions, buildImage } from '../../src/workflow/build-image.ts';
import { everydayContext, readImage, writeContext } from '../built-image.ts';
import { findPeer } from '../peers.ts';
import { useRegistry } from '../running-registry.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const hasBuildah = findPeer('buildah') !== undefined;

async function build(files: Record<string, string>, o: Partial<BuildImageOptions>) {
  const context = await writeContext(files);
  const layout = await mkdtemp(join(tmpdir(), 'cg-built-'));
  folders.push(context, layout);
  return await buildImage({
    cwd: context,
    context: '.',
    destination: `oci:${join(layout, 'image')}`,
    env: { PATH: process.env['PATH'], HOME: layout },
    version: 'test',
    ...o,
  });
}

/** The files of an image as a container sees them: what a later layer says counts, and folders that only lead to others do not. */
async function merged(image: string): Promise<readonly string[]> {
  const { layers } = await readImage(image);
  const files = new Map<string, string>();
  for (const line of layers.flat()) {
    const [kind = '', name = ''] = line.split(' ');
    if (kind !== 'folder') files.set(name, line);
  }
  return [...files.values()].sort();
}

describe.skipIf(!hasBuildah)('beside buildah [needs buildah]', () => {
  const bench = useRegistry();

  it('the embedded builder makes the same files and the same configuration', async () => {
    const platforms = ['linux/amd64'];
    const [ours, theirs] = [
      await build(everydayContext, { builder: 'embedded', platforms }),
      await build(everydayContext, { builder: 'buildah', platforms }),
    ];
    expect(await merged(ours.image)).toEqual(await merged(theirs.image));
    const configs = (await Promise.all([readImage(ours.image), readImage(theirs.image)])).map(
      ({ config }) => {
        const labels = { ...(config.config['Labels'] as object), 'io.buildah.version': undefined };
        return { ...config.config, Labels: labels };
      },
    );
    // BuildKit and we give an image without a base the usual PATH; buildah gives it as well.
    expect(configs[0]).toEqual(configs[1]);
  });

  it('RUN is done by buildah, on the base that was pinned, and said so', async () => {
    await bench.start();
    const host = new URL(bench.registry?.url ?? '').host;
    const said: string[] = [];
    const base = await build(
      { Dockerfile: 'FROM scratch\nCOPY f /base', f: 'B' },
      { destination: `${host}/base/os` },
    );
    const built = await build(
      { Dockerfile: `FROM ${host}/base/os@${base.digest}\nRUN true\n` },
      { destination: `${host}/shop/web`, onChoice: text => said.push(text) },
    ).catch(error => error);
    // The base holds no shell, so that the command itself must fail: what matters is who was asked, and on what.
    expect(said.join()).toMatch(/^buildah: the first that can \(embedded: does not do RUN/);
    expect(built.code).toBe('BUILD_FAILED');
  });
});
