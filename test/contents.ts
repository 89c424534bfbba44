import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { mediaTypes } from '../src/model/descriptor.ts';
import { blobOf, manifestOf, sha256, type TestImage } from './images.ts';

/** What systems leave on disk, small. */
export const osReleaseOf = (id: string, version: string): string =>
  `ID=${id}\nVERSION_ID="${version}"\nPRETTY_NAME="${id} ${version}"\n`;

export const debianStatus = (
  ...packages: readonly (readonly [name: string, version: string, extra?: string])[]
): string =>
  packages
    .map(
      ([name, version, extra = '']) =>
        `Package: ${name}\nStatus: install ok installed\nMaintainer: Debian <a@example.org>\nArchitecture: amd64\nVersion: ${version}\n${extra}Description: ${name}\n more\n .\n\n`,
    )
    .join('');

export const alpineInstalled = (
  ...packages: readonly (readonly [name: string, version: string, extra?: string])[]
): string =>
  packages
    .map(([name, version, extra = '']) => `C:Q1aaa=\nP:${name}\nV:${version}\nA:x86_64\nL:MIT\n${extra}\n`)
    .join('\n');

export const pythonMetadata = (name: string, version: string): string =>
  `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nLicense: MIT\n\nText\nName: other\n`;

export const packageJson = (name: string, version: string): string =>
  JSON.stringify({ name, version, license: 'MIT' });

export const gemspec = (name: string, version: string): string =>
  `# -*- encoding: utf-8 -*-\n# stub: ${name} ${version} ruby lib\n\nGem::Specification.new do |s|\n  s.name = "${name}".freeze\n  s.version = "${version}"\n  s.licenses = ["MIT".freeze]\nend\n`;

/** A zip, packed; sizes can be made to lie. */
export function zipOf(
  files: Readonly<Record<string, string | Uint8Array>>,
  lie: { readonly size?: number } = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const body = Buffer.from(content);
    const packed = deflateRawSync(body);
    const nameBytes = Buffer.from(name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc(body), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(lie.size ?? body.length, 18);
    fields.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), fields, nameBytes, packed]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\u0001\u0002\u0014\u0000', 'latin1'), fields, place, nameBytes]),
    );
    parts.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 0, 'latin1');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

function crc(body: Buffer): number {
  return typeof crc32 === 'function' ? crc32(body) : 0;
}

export function jarOf(
  group: string,
  artifact: string,
  version: string,
  more: Readonly<Record<string, Uint8Array>> = {},
): Buffer {
  return zipOf({
    'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\r\nImplementation-Title: x\r\n\r\n',
    [`META-INF/maven/${group}/${artifact}/pom.properties`]: `#made\ngroupId=${group}\nartifactId=${artifact}\nversion=${version}\n`,
    ...more,
  });
}

/** An RPM header with texts, numbers and lists of texts. */
export function rpmHeader(
  tags: Readonly<Record<number, string | number | readonly string[] | readonly number[]>>,
): Buffer {
  const index: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [tag, value] of Object.entries(tags)) {
    const list = (Array.isArray(value) ? value : [value]) as readonly (string | number)[];
    const isNumber = typeof list[0] === 'number';
    if (isNumber && offset % 4 !== 0) {
      const gap = 4 - (offset % 4);
      data.push(Buffer.alloc(gap));
      offset += gap;
    }
    const body = Buffer.concat(
      list.map(item => (typeof item === 'number' ? int(item) : Buffer.from(`${item}\0`))),
    );
    const type = isNumber ? 4 : Array.isArray(value) ? 8 : 6;
    index.push(Buffer.concat([Number(tag), type, offset, list.length].map(int)));
    data.push(body);
    offset += body.length;
  }
  return Buffer.concat([int(index.length), int(offset), ...index, ...data]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** A real SQLite database as rpm writes it, made by Python; undefined where there is none. */
export function rpmDatabase(headers: readonly Buffer[], pageSize = 4096): Buffer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'cg-rpm-'));
  try {
    const file = join(folder, 'rpmdb.sqlite');
    const script = `import sqlite3,sys,json
c=sqlite3.connect(sys.argv[1]); c.execute('PRAGMA page_size=${pageSize}')
c.execute("CREATE TABLE 'Other' (x TEXT)")
c.execute("CREATE TABLE 'Packages' ( hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
for h in json.load(sys.stdin): c.execute('INSERT INTO Packages(blob) VALUES(?)',(bytes.fromhex(h),))
c.commit(); c.close()`;
    const input = JSON.stringify(headers.map(header => header.toString('hex')));
    const { status } = spawnSync('python3', ['-c', script, file], { input });
    return status === 0 ? readFileSync(file) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A real hash of Berkeley DB as old versions of rpm wrote it, made by Perl; undefined where that cannot. */
export function berkeleyHash(headers: readonly Buffer[]): Buffer | undefined {
  const script = `use DB_File; my $f=shift; my $i=0; my %h; tie(%h,'DB_File',$f,O_RDWR|O_CREAT,0644,$DB_HASH) or die;
    while(<STDIN>){chomp; $h{pack('V',$i++)}=pack('H*',$_);} untie %h;`;
  const input = headers.map(header => `${header.toString('hex')}\n`).join('');
  return madeFile('Packages', path => spawnSync('perl', ['-e', script, path], { input }).status === 0);
}

/** A database as rpm itself writes it today; undefined where there is no rpm, or one that cannot. */
export function rpmDatabaseByRpm(headers: readonly Buffer[]): Buffer | undefined {
  const magic = Buffer.from('8eade80100000000', 'hex');
  const input = Buffer.concat(headers.flatMap(header => [magic, header]));
  return madeFile('rpmdb.sqlite', path => {
    const words = ['--dbpath', dirname(path), '--define', '_db_backend sqlite'];
    return (
      spawnSync('rpmdb', [...words, '--initdb']).status === 0 &&
      spawnSync('rpmdb', [...words, '--importdb'], { input }).status === 0
    );
  });
}

/** A database of the kind ndb: one page of slots, then the blobs. No rpm that is easily had writes it. */
export function rpmNdb(headers: readonly Buffer[]): Buffer {
  const slots = Buffer.alloc(4096);
  slots.write('RpmP');
  slots.writeUInt32LE(1, 12);
  const blobs: Buffer[] = [];
  let block = 256;
  for (let slot = 2; slot < 256; slot++) {
    slots.write('Slot', slot * 16);
    // Every other slot is free, as after a removal.
    const header = slot % 2 === 0 ? headers[slot / 2 - 1] : undefined;
    if (header === undefined) continue;
    const blob = Buffer.alloc(Math.ceil((header.length + 28) / 16) * 16);
    blob.write('BlbS');
    blob.writeUInt32LE(slot, 4);
    blob.writeUInt32LE(header.length, 12);
    header.copy(blob, 16);
    slots.writeUInt32LE(slot, slot * 16 + 4);
    slots.writeUInt32LE(block, slot * 16 + 8);
    slots.writeUInt32LE(blob.length / 16, slot * 16 + 12);
    blobs.push(blob);
    block += blob.length / 16;
  }
  return Buffer.concat([slots, ...blobs]);
}

function madeFile(name: string, make: (path: string) => boolean): Buffer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'cg-rpm-'));
  try {
    const path = join(folder, name);
    return make(path) && existsSync(path) ? readFileSync(path) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An image of the given tars, its layers packed with gzip. */
export function layered(
  layers: readonly Buffer[],
  o: {
    readonly pack?: (tar: Buffer) => Buffer;
    readonly created?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly diffIds?: readonly string[];
  } = {},
): TestImage {
  const config = blobOf(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      created: o.created ?? '2026-01-02T03:04:05.678Z',
      config: {},
      rootfs: { type: 'layers', diff_ids: o.diffIds ?? layers.map(layer => sha256(layer)) },
    }),
    mediaTypes.config,
  );
  const pack = o.pack ?? ((tar: Buffer) => gzipSync(tar, { level: 1 }));
  const parts = layers.map(layer => blobOf(pack(layer), mediaTypes.layerGzip));
  return {
    manifest: manifestOf({
      config: config.descriptor,
      layers: parts.map(({ descriptor }) => descriptor),
      ...(o.annotations !== undefined && { annotations: o.annotations }),
    }),
    blobs: [config, ...parts].map(({ push }) => push),
  };
}
