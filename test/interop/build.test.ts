import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type BuildImageOptions, buildImage } from '../../src/workflow/build-image.ts';
import { readImage, writeContext } from '../built-image.ts';
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
    const files = {
      Dockerfile: [
        'FROM scratch AS tools\nCOPY tools /opt/tools',
        'FROM scratch\nCOPY passwd /etc/passwd\nCOPY group /etc/group',
        'ENV MODE=prod PORT=80\nLABEL team=shop\nWORKDIR /srv/app\nCOPY --chown=app:staff . ./\nCOPY --from=tools /opt/tools/ /usr/local/\nCOPY --chmod=600 run.sh /etc/secret',
        'EXPOSE $PORT\nVOLUME /data\nUSER app\nSTOPSIGNAL SIGINT\nENTRYPOINT ["/srv/app/run.sh"]\nCMD ["serve"]',
      ].join('\n'),
      '.dockerignore': '**/*.log\nDockerfile',
      passwd: 'root:x:0:0::/:\napp:x:1000:1000::/:\n',
      group: 'staff:x:50:\n',
      'run.sh': '#!/bin/sh\n',
      'src/a.js': 'a',
      'src/a.log': 'never',
      'tools/bin/tool': 'T',
    };
    const platforms = ['linux/amd64'];
    const [ours, theirs] = [
      await build(files, { builder: 'embedded', platforms }),
      await build(files, { builder: 'buildah', platforms }),
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
