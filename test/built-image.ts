import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Fault } from '../src/ground/fault/fault.ts';
import { RegistryAccess } from '../src/image/oci/access.ts';
import { TarWalk } from '../src/image/oci/archive/walk-tar.ts';
import { type ImageManifest, parseContent } from '../src/image/oci/content.ts';
import { open } from '../src/image/oci/open.ts';
import { collect } from '../src/image/oci/verified.ts';

/** A folder with these files, for a build. */
export async function writeContext(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-context-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content, { mode: name.endsWith('.sh') ? 0o755 : 0o644 });
  }
  return folder;
}

export interface ReadImage {
  readonly manifest: ImageManifest;
  readonly config: {
    readonly created: string;
    readonly architecture: string;
    readonly author?: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly rootfs: { readonly diff_ids: readonly string[] };
    readonly history: readonly { readonly empty_layer?: boolean }[];
  };
  /** Each layer as lines: `file /a 644 0:0 content`. */
  readonly layers: readonly (readonly string[])[];
}

/** What is in an image, one line for each file of each layer. */
export async function readImage(text: string): Promise<ReadImage> {
  const access = new RegistryAccess({ env: {}, ca: [], insecureHosts: [], offline: false });
  try {
    const { registry, reference } = await open(text, access);
    const manifest = parseContent(await registry.manifest(reference));
    if (manifest.kind !== 'manifest') throw new Error(`${text} is an index`);
    const config = JSON.parse((await collect(registry.blob(manifest.config))).toString());
    const layers = [];
    for (const layer of manifest.layers)
      layers.push(listTar(gunzipSync(await collect(registry.blob(layer)))));
    return { manifest, config, layers };
  } finally {
    access.close();
  }
}

function listTar(bytes: Buffer): string[] {
  const lines: string[] = [];
  const walk = new TarWalk(
    ({ type, name, link, mode, uid, gid }) => {
      const kind = { '0': 'file', '2': 'link', '5': 'folder' }[type] ?? type;
      const head = [
        kind,
        name,
        (mode & 0o7777).toString(8),
        `${uid}:${gid}`,
        ...(link === '' ? [] : [link]),
      ].join(' ');
      const pieces: Buffer[] = [];
      return {
        write: piece => void pieces.push(Buffer.from(piece)),
        end: () =>
          void lines.push(
            pieces.length === 0 ? head : `${head} ${Buffer.concat(pieces).toString().trimEnd()}`,
          ),
      };
    },
    actual => new Fault('CONTENT_INVALID', { what: actual }),
  );
  walk.write(bytes);
  walk.end();
  return lines;
}

/** A context in which a builder meets most of what it does with files; every builder must make the same of it. */
export const everydayContext: Readonly<Record<string, string>> = {
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
