import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { type EntryReader, TarWalk } from '../../image/oci/archive/walk-tar.ts';
import { parseContent } from '../../image/oci/content.ts';
import { gunzip } from '../../image/oci/gunzip.ts';
import type { Call, Registry, TagOrDigest } from '../../image/oci/registry.ts';

const layerType = 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip';
const wanted = new Set(['trivy.db', 'metadata.json']);
const largest = 16 * 1024 * 1024 * 1024;

/** Unpacks the database that an image carries into a folder, checked while it streams. Gives the image's digest. */
export async function fetchTrivyDb(
  registry: Registry,
  reference: TagOrDigest,
  folder: string,
  o: Call,
): Promise<string> {
  const manifest = await registry.manifest(reference, o);
  const content = parseContent(manifest);
  const layer =
    content.kind === 'manifest' ? content.layers.find(({ mediaType }) => mediaType === layerType) : undefined;
  const refuse = (actual: string): Fault =>
    new Fault('CONTENT_INVALID', {
      what: 'the image is no Trivy database',
      where: `${registry.place}@${manifest.descriptor.digest}`,
      expected: layerType,
      actual,
    });
  if (layer === undefined) throw refuse('no layer of that type');
  const written = new Set<string>();
  const walk = new TarWalk(({ name, type }) => {
    const plain = name.replace(/^\.\//, '');
    if (!wanted.has(plain) || (type !== '0' && type !== '\0')) return undefined;
    written.add(plain);
    return new FileWriter(join(folder, plain));
  }, refuse);
  for await (const piece of gunzip(registry.blob(layer, o), largest, registry.place)) walk.write(piece);
  walk.end();
  if (written.size !== wanted.size) throw refuse(`only ${[...written].join(', ') || 'other files'} in it`);
  return manifest.descriptor.digest;
}

class FileWriter implements EntryReader {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'w', 0o644);
  }

  write(piece: Uint8Array): void {
    writeSync(this.#file, piece);
  }

  end(): void {
    closeSync(this.#file);
  }
}
