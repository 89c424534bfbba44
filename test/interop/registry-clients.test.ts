import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPeer } from '../peers.ts';
import { password, startVariant, user, type Variant } from '../registry-variants.ts';

const kinds = [
  ['open', 'without passwords'],
  ['secured', 'with passwords and TLS'],
] as const;

for (const [kind, how] of kinds) {
  describe(`our registry ${how}`, () => {
    let registry: Variant;
    let home: string;
    let authFile: string;
    const needs = (name: string): string => (findPeer(name) ? '' : ` [needs ${name}]`);

    beforeAll(async () => {
      registry = await startVariant(kind);
      home = await mkdtemp(join(tmpdir(), 'cg-clients-'));
      await mkdir(join(home, 'docker'));
      authFile = join(home, 'docker/config.json');
      const auth = Buffer.from(`${user}:${password}`).toString('base64');
      await writeFile(
        authFile,
        JSON.stringify(registry.isSecure ? { auths: { [registry.host]: { auth } } } : {}),
      );
      await writeFile(
        join(home, 'policy.json'),
        JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }),
      );
    });
    afterAll(async () => {
      await registry.stop();
      await rm(home, { recursive: true, force: true });
    });

    /** Runs a client in a home of its own, with nothing of ours in its environment. */
    function run(name: string, nested: readonly (string | readonly string[])[]): Promise<string> {
      const args = nested.flat();
      const env = {
        HOME: home,
        PATH: process.env.PATH ?? '',
        DOCKER_CONFIG: join(home, 'docker'),
        XDG_RUNTIME_DIR: home,
        XDG_CONFIG_HOME: home,
        XDG_DATA_HOME: home,
        TMPDIR: home,
        ...(registry.certificate !== undefined && { SSL_CERT_FILE: registry.certificate }),
      };
      return new Promise((resolve, reject) => {
        execFile(
          findPeer(name) ?? name,
          args,
          { cwd: home, env, timeout: 25_000 },
          (error, stdout, stderr) => {
            if (error) reject(new Error(`${name} ${args.join(' ')}: ${stderr}`, { cause: error }));
            else resolve(stdout.trim());
          },
        );
      });
    }

    it.skipIf(!findPeer('crane'))(
      `serves crane: push, list, copy, pull, delete${needs('crane')}`,
      async () => {
        const image = `${registry.host}/crane/app`;
        await writeFile(join(home, 'file.txt'), 'hello');
        await new Promise<void>((resolve, reject) => {
          execFile('tar', ['-cf', 'layer.tar', 'file.txt'], { cwd: home }, error =>
            error ? reject(error) : resolve(),
          );
        });
        await run('crane', ['append', '--new_layer', 'layer.tar', '--new_tag', `${image}:v1`]);
        const digest = await run('crane', ['digest', `${image}:v1`]);
        await run('crane', ['copy', `${image}:v1`, `${registry.host}/crane/copy:v2`]);
        expect(await run('crane', ['digest', `${registry.host}/crane/copy:v2`])).toBe(digest);
        expect(await run('crane', ['ls', image])).toBe('v1');
        expect((await run('crane', ['catalog', registry.host])).split('\n')).toContain('crane/copy');
        await run('crane', ['pull', '--format=oci', `${image}:v1`, 'crane-layout']);
        await run('crane', ['validate', '--remote', `${image}:v1`]);
        await run('crane', ['delete', `${image}@${digest}`]);
        await expect(run('crane', ['digest', `${image}:v1`])).rejects.toThrow(/MANIFEST_UNKNOWN|404/);
      },
    );

    it.skipIf(!findPeer('oras'))(
      `serves oras: push, attach, discover, copy with referrers, pull${needs('oras')}`,
      async () => {
        const trust =
          registry.certificate === undefined ? ['--plain-http'] : ['--ca-file', registry.certificate];
        const access = [...trust, '--registry-config', authFile];
        const image = `${registry.host}/oras/app:v1`;
        await writeFile(join(home, 'data.json'), '{"a":1}');
        await writeFile(join(home, 'sbom.json'), '{"sbom":true}');
        await run('oras', ['push', ...access, image, 'data.json:application/json']);
        await run('oras', [
          ['attach', ...access, '--artifact-type', 'application/vnd.example.sbom', image],
          'sbom.json:application/json',
        ]);
        const discover = async (reference: string): Promise<string> =>
          run('oras', ['discover', ...access, '--format', 'json', reference]);
        expect(await discover(image)).toContain('application/vnd.example.sbom');
        const copy = `${registry.host}/oras/copy:v1`;
        const doubled = (side: string): string[] => [
          ...(registry.certificate === undefined
            ? [`--${side}-plain-http`]
            : [`--${side}-ca-file`, registry.certificate]),
          `--${side}-registry-config`,
          authFile,
        ];
        await run('oras', ['cp', '-r', ...doubled('from'), ...doubled('to'), image, copy]);
        expect(await discover(copy)).toContain('application/vnd.example.sbom');
        await run('oras', ['pull', ...access, '-o', 'pulled', copy]);
        expect(await readFile(join(home, 'pulled/data.json'), 'utf8')).toBe('{"a":1}');
      },
    );

    it.skipIf(!findPeer('skopeo') || !findPeer('oras'))(
      `serves skopeo: inspect, copy, list tags${needs('skopeo')}`,
      async () => {
        const source = `${registry.host}/skopeo/app:v1`;
        const trust =
          registry.certificate === undefined ? ['--plain-http'] : ['--ca-file', registry.certificate];
        await writeFile(join(home, 'thing'), 'thing');
        await run('oras', [
          'push',
          ...trust,
          '--registry-config',
          authFile,
          source,
          'thing:application/octet-stream',
        ]);
        const verify = registry.isSecure ? 'true' : 'false';
        const certificates = registry.isSecure ? registry.folder : home;
        const both = (side: string): string[] => [
          `--${side}-tls-verify=${verify}`,
          `--${side}-cert-dir`,
          certificates,
        ];
        const single = ['--authfile', authFile, `--tls-verify=${verify}`, '--cert-dir', certificates];
        const policy = ['--policy', join(home, 'policy.json')];
        await run('skopeo', [
          policy,
          ['copy', '--preserve-digests', '--authfile', authFile],
          both('src'),
          both('dest'),
          [`docker://${source}`, `docker://${registry.host}/skopeo/copy:v2`],
        ]);
        const tags = await run('skopeo', [
          [...policy, 'list-tags', ...single, `docker://${registry.host}/skopeo/copy`],
        ]);
        expect(JSON.parse(tags)).toMatchObject({ Tags: ['v2'] });
        const raw = async (reference: string): Promise<string> =>
          run('skopeo', [...policy, 'inspect', '--raw', ...single, `docker://${reference}`]);
        expect(await raw(`${registry.host}/skopeo/copy:v2`)).toBe(await raw(source));
      },
    );

    it.skipIf(!findPeer('buildah') || process.getuid?.() !== 0)(
      `serves buildah: build, push, pull${needs('buildah')}`,
      async () => {
        const storage = [
          '--storage-driver',
          'vfs',
          '--root',
          join(home, 'storage'),
          '--runroot',
          join(home, 'run'),
        ];
        const policy = ['--signature-policy', join(home, 'policy.json')];
        const access = [
          '--authfile',
          authFile,
          `--tls-verify=${registry.isSecure}`,
          ...(registry.isSecure ? ['--cert-dir', registry.folder] : []),
        ];
        const image = `docker://${registry.host}/buildah/app:v1`;
        await writeFile(join(home, 'motd'), 'hello');
        const container = await run('buildah', [...storage, 'from', ...policy, 'scratch']);
        await run('buildah', [...storage, 'copy', container, 'motd', '/motd']);
        const id = await run('buildah', [...storage, 'commit', ...policy, container, 'local/app']);
        await run('buildah', [...storage, 'push', ...policy, ...access, id, image]);
        await run('buildah', [...storage, 'rmi', '--all', '--force']);
        await run('buildah', [...storage, 'pull', ...policy, ...access, image]);
        expect(await run('buildah', [...storage, 'images', '--quiet'])).not.toBe('');
      },
    );
  });
}
