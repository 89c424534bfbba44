import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readImage, writeContext } from '../../test/built-image.ts';
import { faultOf } from '../../test/faults.ts';
import { blobOf, manifestOf, pushImage, sha256 } from '../../test/images.ts';
import { useRegistry } from '../../test/running-registry.ts';
import { tarOf, zstdOf } from '../../test/tar.ts';
import { RegistryAccess } from '../image/oci/access.ts';
import { open } from '../image/oci/open.ts';
import { frozenClock } from '../model/clock.ts';
import { mediaTypes } from '../model/descriptor.ts';
import { type BuildImageOptions, type BuiltImage, buildImage } from './build-image.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function context(files: Record<string, string>): Promise<string> {
  const folder = await writeContext(files);
  folders.push(folder);
  return folder;
}

async function build(
  files: Record<string, string> | string,
  o: Partial<BuildImageOptions> = {},
): Promise<BuiltImage & { layout: string }> {
  const folder = typeof files === 'string' ? files : await context(files);
  const layout = join(await mkdtemp(join(tmpdir(), 'cg-built-')), 'layout');
  folders.push(join(layout, '..'));
  const built = await buildImage({
    cwd: folder,
    context: '.',
    destination: `oci:${layout}`,
    env: {},
    version: 'test',
    platforms: ['linux/amd64'],
    builder: 'embedded',
    clock: frozenClock('2026-03-04T05:06:07Z'),
    ...o,
  });
  return { ...built, layout };
}

async function filesOf(
  files: Record<string, string>,
  o: Partial<BuildImageOptions> = {},
): Promise<readonly string[]> {
  return (await readImage((await build(files, o)).image)).layers.flat();
}

async function refusal(files: Record<string, string>, o: Partial<BuildImageOptions> = {}) {
  const fault = await faultOf(build(files, o));
  return {
    code: fault.code,
    what: fault.message,
    where: fault.where?.replace(/^.*\/(?=Dockerfile)/, ''),
    actual: fault.actual,
  };
}

describe('a build', () => {
  it('gives the same digest in another folder, and carries no time but the one it is told', async () => {
    const files = {
      Dockerfile: 'FROM scratch\nCOPY . /app/\nCMD ["/app/run"]',
      'a/b.txt': 'hello',
      'run.sh': '#!/bin/sh',
    };
    const [first, second] = [await build(files), await build(files)];
    expect(first.digest).toBe(second.digest);
    const { config } = await readImage(first.image);
    expect(config.created).toBe('1970-01-01T00:00:00Z');
    expect((await build(files, { epoch: 1_700_000_000 })).digest).not.toBe(first.digest);
  });

  it('copies files and the contents of folders, globs too, with the rights that they have', async () => {
    const files = {
      Dockerfile: 'FROM scratch\nWORKDIR /w\nCOPY dir one.txt x/\nCOPY *.sh ./\nCOPY one.txt two.txt',
      'dir/a': 'A',
      'dir/sub/b': 'B',
      'one.txt': '1',
      'run.sh': 'R',
    };
    expect(await filesOf(files)).toEqual([
      'folder w/ 755 0:0',
      'folder w/x/ 755 0:0',
      'file w/x/a 644 0:0 A',
      'file w/x/one.txt 644 0:0 1',
      'folder w/x/sub/ 755 0:0',
      'file w/x/sub/b 644 0:0 B',
      'file w/run.sh 755 0:0 R',
      'file w/two.txt 644 0:0 1',
    ]);
  });

  it('leaves out what .dockerignore names, and that of the Dockerfile itself comes first', async () => {
    const files = { Dockerfile: 'FROM scratch\nCOPY . /', '.dockerignore': '*\n!keep', keep: 'K', drop: 'D' };
    expect(await filesOf(files)).toEqual(['file keep 644 0:0 K']);
    expect(await filesOf({ ...files, 'Dockerfile.dockerignore': '*\n!drop' })).toEqual([
      'file drop 644 0:0 D',
    ]);
    expect(await refusal({ ...files, Dockerfile: 'FROM scratch\nCOPY drop /' })).toMatchObject({
      code: 'BUILD_FAILED',
      what: 'COPY: there is no drop in the context',
      where: 'Dockerfile:2:1',
    });
  });

  it('takes files from stages by name and number, and builds no stage that nothing needs', async () => {
    const files = {
      Dockerfile:
        'FROM scratch AS one\nCOPY a /x/a\nFROM one AS two\nCOPY b /x/b\nFROM nowhere.invalid/none AS unused\nRUN false\nFROM scratch\nCOPY --from=two /x /y\nCOPY --from=0 /x/a /z',
      a: 'A',
      b: 'B',
    };
    expect(await filesOf(files)).toEqual([
      'folder y/ 755 0:0',
      'file y/a 644 0:0 A',
      'file y/b 644 0:0 B',
      'file z 644 0:0 A',
    ]);
    expect(await filesOf(files, { target: 'one' })).toEqual(['folder x/ 755 0:0', 'file x/a 644 0:0 A']);
  });

  it('gives files to the users that the image knows by name', async () => {
    const files = {
      Dockerfile:
        'FROM scratch\nCOPY passwd group /etc/\nCOPY --chown=app:staff --chmod=640 a /a\nCOPY --chown=app a /b/c\nCOPY --chown=7 a /d',
      passwd: 'root:x:0:0::/:\napp:x:1000:1001::/:',
      group: 'staff:x:50:',
      a: 'A',
    };
    const lines = await filesOf(files);
    expect(lines).toContain('file a 640 1000:50 A');
    expect(lines).toContain('file b/c 644 1000:1001 A');
    expect(lines).toContain('folder b/ 755 1000:1001');
    expect(lines).toContain('file d 644 7:7 A');
    expect(await refusal({ ...files, Dockerfile: 'FROM scratch\nCOPY --chown=app a /a' })).toMatchObject({
      what: '--chown=app: the image has no user "app" in /etc/passwd',
    });
  });

  it('writes heredocs, with and without their variables', async () => {
    const Dockerfile =
      'FROM scratch\nARG V=1\nCOPY <<a <<"b" /d/\nv=$V "q"\na\nv=$V\nb\nCOPY <<-x /e\n\tin\nx\n';
    expect(await filesOf({ Dockerfile }, { buildArgs: { V: '2' } })).toEqual(
      expect.arrayContaining(['file d/a 644 0:0 v=2 "q"', 'file d/b 644 0:0 v=$V', 'file e 644 0:0 in']),
    );
  });

  it('sets all that a configuration has', async () => {
    const Dockerfile = [
      'ARG BASE=scratch\nFROM $BASE',
      'ARG A=x\nENV B=$A C="${B:-none}"\nENV D=$B',
      'LABEL z=1 a="two words"\nEXPOSE 80 9000-9001/udp\nVOLUME /v ["x"]\nUSER app:app\nWORKDIR /a\nWORKDIR b/../c',
      'STOPSIGNAL SIGTERM\nHEALTHCHECK --interval=1m30s --retries=3 CMD ["ok"]\nSHELL ["/bin/bash", "-c"]',
      'CMD echo hi\nENTRYPOINT ["/run"]\nONBUILD COPY . /\nMAINTAINER me',
    ].join('\n');
    const { config } = await readImage((await build({ Dockerfile }, { labels: { z: '2', l: 'x' } })).image);
    expect(config.config).toEqual({
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'B=x', 'C=none', 'D=x'],
      Labels: { a: 'two words', z: '2', l: 'x' },
      ExposedPorts: { '80/tcp': {}, '9000/udp': {}, '9001/udp': {} },
      Volumes: { '/v': {}, '[x]': {} },
      User: 'app:app',
      WorkingDir: '/a/c',
      StopSignal: 'SIGTERM',
      Healthcheck: { Test: ['CMD', 'ok'], Interval: 90e9, Retries: 3 },
      Shell: ['/bin/bash', '-c'],
      Cmd: ['/bin/bash', '-c', 'echo hi'],
      Entrypoint: ['/run'],
      OnBuild: ['COPY . /'],
    });
    expect(config.author).toBe('me');
    expect(config.history.filter(entry => entry.empty_layer !== true)).toHaveLength(
      config.rootfs.diff_ids.length,
    );
  });

  it('makes an index of several platforms, which its variables tell apart', async () => {
    const built = await build(
      {
        Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY app-$TARGETARCH /app',
        'app-amd64': 'x86',
        'app-arm64': 'arm',
      },
      { platforms: ['linux/amd64', 'linux/arm64'] },
    );
    expect(built.platforms.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64']);
    const images = await Promise.all(
      built.platforms.map(({ digest }) => readImage(`oci:${built.layout}@${digest}`)),
    );
    expect(images.map(({ layers, config }) => [config.architecture, layers.flat()])).toEqual([
      ['amd64', ['file app 644 0:0 x86']],
      ['arm64', ['file app 644 0:0 arm']],
    ]);
  });

  it('refuses what it cannot do by name, before any work', async () => {
    const Dockerfile = 'FROM scratch\nCOPY missing /\nRUN make\nADD https://example.com/x /x';
    expect(await refusal({ Dockerfile })).toEqual({
      code: 'BUILDER_UNSUITABLE',
      what: expect.stringMatching(/^the builder "embedded" cannot build /),
      where: 'Dockerfile',
      actual: expect.stringMatching(/^embedded: does not do RUN \(.*Dockerfile:3:1 and 1 more\)$/),
    });
    expect(await refusal({ Dockerfile: 'FROM scratch\nARG U=https://x.invalid/y\nADD $U /x' })).toMatchObject(
      { code: 'BUILD_FAILED' },
    );
  });

  it('says all that is wrong with a Dockerfile at once', async () => {
    const fault = await faultOf(build({ Dockerfile: 'FROM a AS\nCOPPY x y\nFROM $NONE' }));
    expect([fault.code, fault.message]).toEqual([
      'DOCKERFILE_INVALID',
      expect.stringMatching(/^2 problems in .*Dockerfile$/),
    ]);
    expect(await refusal({ Dockerfile: 'FROM $NONE' })).toMatchObject({
      what: '"$NONE" is no image: NONE has no value',
    });
  });

  it('never reads outside of its context', async () => {
    const folder = await context({ Dockerfile: 'FROM scratch\nCOPY out/passwd /x', 'd/f': 'F' });
    await symlink('/etc', join(folder, 'out'));
    await symlink('/etc/passwd', join(folder, 'd', 'inner'));
    const fault = await faultOf(build(folder));
    expect([fault.code, fault.message]).toEqual([
      'BUILD_FAILED',
      'COPY: out/passwd leads out of the context',
    ]);
    const up = await context({ Dockerfile: 'FROM scratch\nCOPY ../x /x' });
    expect((await faultOf(build(up))).message).toContain('there is no ../x in the context');
    // A link inside a folder stays a link, and is never followed.
    const linked = await context({ Dockerfile: 'FROM scratch\nCOPY d /d', 'd/f': 'F' });
    await symlink('/etc/passwd', join(linked, 'd', 'inner'));
    expect((await readImage((await build(linked)).image)).layers.flat()).toContain(
      'link d/inner 777 0:0 /etc/passwd',
    );
  });

  it('refuses a destination with a tag, and one that is no folder of files', async () => {
    expect(
      (await faultOf(build({ Dockerfile: 'FROM scratch' }, { destination: 'localhost:5000/a:1' }))).code,
    ).toBe('USAGE');
  });
});

describe('a build on a base image', () => {
  const bench = useRegistry();

  it('reads a base that is packed with zstd, and refuses one that its diffIDs do not describe', async () => {
    await bench.start();
    const host = new URL(bench.registry?.url ?? '').host;
    const access = new RegistryAccess({ env: {} });
    const { registry } = await open(`${host}/base/zstd:1`, access, { to: 'write' });
    const tar = tarOf([{ name: 'etc/os', content: 'Z' }]);
    const push = async (diffId: string) => {
      const config = blobOf(
        JSON.stringify({
          os: 'linux',
          architecture: 'amd64',
          rootfs: { type: 'layers', diff_ids: [diffId] },
        }),
        mediaTypes.config,
      );
      const layer = blobOf(zstdOf(tar), mediaTypes.layerZstd);
      const manifest = manifestOf({ config: config.descriptor, layers: [layer.descriptor] });
      return await pushImage(registry, { manifest, blobs: [config.push, layer.push] });
    };
    const copy = (digest: string) =>
      build({ Dockerfile: `FROM scratch\nCOPY --from=${host}/base/zstd@${digest} /etc/os /os` });
    const image = await readImage((await copy(await push(sha256(tar)))).image);
    expect(image.layers.flat()).toContain('file os 644 0:0 Z');
    expect(await faultOf(copy(await push(sha256(Buffer.from('other')))))).toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    access.close();
  });

  it('pins it once, goes on from its configuration and files, and records it', async () => {
    await bench.start();
    const host = new URL(bench.registry?.url ?? '').host;
    const base = await build(
      {
        Dockerfile:
          'FROM scratch\nCOPY passwd /etc/passwd\nCOPY lib /usr/lib\nENV A=1\nLABEL from=base\nCMD ["base"]\nONBUILD COPY trigger /t\nUSER app',
        passwd: 'app:x:9:9::/:',
        'lib/x': 'L',
      },
      { destination: `${host}/base/os`, env: {} },
    );
    expect(base.image).toBe(`${host}/base/os@${base.digest}`);
    const record = join(await context({}), 'record.json');
    const built = await build(
      {
        Dockerfile: `ARG OS=${host}/base/os@${base.digest}\nFROM $OS\nCOPY --chown=app f /f\nCOPY --from=${host}/base/os@${base.digest} /usr/lib/x /copied\nENTRYPOINT ["e"]`,
        trigger: 'T',
        f: 'F',
      },
      { destination: `${host}/shop/web`, record },
    );
    const image = await readImage(built.image);
    expect(image.layers.flat()).toEqual(
      expect.arrayContaining([
        'file usr/lib/x 644 0:0 L',
        'file t 644 0:0 T',
        'file f 644 9:9 F',
        'file copied 644 0:0 L',
      ]),
    );
    expect(image.config.config).toMatchObject({
      Env: [expect.anything(), 'A=1'],
      Labels: { from: 'base' },
      Entrypoint: ['e'],
      User: 'app',
    });
    expect(image.config.config['Cmd']).toBeUndefined();
    expect(image.config.config['OnBuild']).toBeUndefined();
    expect(image.manifest.annotations).toMatchObject({
      'org.opencontainers.image.base.name': `${host}/base/os`,
      'org.opencontainers.image.base.digest': base.digest,
    });
    expect(JSON.parse(await readFile(record, 'utf8'))).toMatchObject({
      digest: built.digest,
      bases: [{ digest: base.digest }],
      builder: { driver: 'embedded' },
      startedOn: '2026-03-04T05:06:07Z',
    });
  });

  it('says which image is not there, and at which line', async () => {
    await bench.start();
    const host = new URL(bench.registry?.url ?? '').host;
    expect(await refusal({ Dockerfile: `FROM scratch\nFROM ${host}/no/image:1` })).toMatchObject({
      code: 'NOT_FOUND',
      where: 'Dockerfile:2:1',
    });
  });
});
