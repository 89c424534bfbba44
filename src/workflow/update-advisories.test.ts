import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { zipOf } from '../../test/contents.ts';
import { faultOf } from '../../test/faults.ts';
import { blobOf, manifestOf } from '../../test/images.ts';
import { tarOf } from '../../test/tar.ts';
import { LayoutRegistry } from '../image/oci/layout/layout.ts';
import { frozenClock } from '../model/clock.ts';
import { mediaTypes } from '../model/descriptor.ts';
import { showAdvisories } from './keep-advisories.ts';
import { updateAdvisories } from './update-advisories.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-update-'));
const clock = frozenClock('2026-11-24T12:00:00Z');
let server: Server | undefined;
afterEach(() => server?.close());
afterAll(() => rmSync(root, { recursive: true, force: true }));

const layerType = 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip';

async function artifact(name: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const layout = new LayoutRegistry(join(root, name));
  const tar = tarOf(Object.entries(files).map(([file, content]) => ({ name: file, content })));
  const [config, layer] = [blobOf('{}', mediaTypes.empty), blobOf(gzipSync(tar), layerType)];
  for (const blob of [config, layer]) await layout.push(blob.push);
  const manifest = manifestOf({ config: config.descriptor, layers: [layer.descriptor] });
  await layout.push({ kind: 'manifest', ...manifest, tags: ['2'] });
  return `oci:${layout.folder}`;
}

/** A database with one page: nothing is in it, and it is whole. */
function emptyBolt(): Buffer {
  const meta = Buffer.alloc(4096);
  meta.writeUInt16LE(4, 8);
  for (const [at, value] of [0xed0cdaed, 2, 4096].entries()) meta.writeUInt32LE(value, 16 + at * 4);
  meta.writeBigUInt64LE(2n, 32);
  let hash = 0xcbf29ce484222325n;
  for (const byte of meta.subarray(16, 72))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  meta.writeBigUInt64LE(hash, 72);
  const leaf = Buffer.alloc(4096);
  leaf.writeUInt16LE(2, 8);
  return Buffer.concat([meta, meta, leaf]);
}

const metadata = JSON.stringify({
  Version: 2,
  UpdatedAt: '2026-11-24T06:00:00Z',
  NextUpdate: '2026-11-25T00:00:00Z',
});

function update(name: string, ...from: string[]) {
  const notes: string[] = [];
  const o = {
    env: { HOME: root },
    cwd: root,
    clock,
    database: join(root, name),
    from,
    onNote: (text: string) => notes.push(text),
  };
  return { result: updateAdvisories(o), notes, o };
}

async function serve(body: Buffer, status = 200): Promise<string> {
  server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/npm/all.zip`;
}

const record = JSON.stringify({
  id: 'CVE-2026-0001',
  modified: '2026-11-24T00:00:00Z',
  affected: [
    { package: { ecosystem: 'npm', name: 'a' }, ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }] }] },
  ],
});

describe('updating advisories', () => {
  it('takes the first mirror that delivers, and says which did not', async () => {
    const good = await artifact('good', { 'trivy.db': emptyBolt(), 'metadata.json': metadata });
    const { result, notes } = update('mirrors', `oci:${join(root, 'nowhere')}`, good);
    expect(await result).toMatchObject({
      present: true,
      updated: true,
      lineage: ['aqua-trivy-db'],
      builtAt: '2026-11-24T06:00:00.000Z',
    });
    expect(notes).toHaveLength(1);
    expect(await update('mirrors', good).result).toMatchObject({ updated: false });
  });

  it.each([
    ['an image of something else', { 'hello.txt': 'x' }],
    ['a database without its date', { 'trivy.db': emptyBolt() }],
    ['a database that is damaged', { 'trivy.db': 'not a database', 'metadata.json': metadata }],
  ])('refuses %s, and keeps what was there', async (what, files) => {
    const zip = zipOf({ 'a.json': record });
    const { result, o } = update('kept', await serve(zip));
    await result;
    const before = await showAdvisories(o);
    const fault = await faultOf(update('kept', await artifact(what.replaceAll(' ', '-'), files)).result);
    expect(['CONTENT_INVALID', 'FILE_INVALID']).toContain(fault.code);
    expect(await showAdvisories(o)).toEqual(before);
  });

  it('takes zips of OSV records from addresses', async () => {
    const { result } = update('zips', await serve(zipOf({ 'a.json': record })));
    expect(await result).toMatchObject({ lineage: ['osv.dev'], advisories: 1, feeds: { npm: 1 } });
  });

  it('says when an address does not deliver, and speaks plain http to this machine only', async () => {
    expect(await faultOf(update('zips', await serve(Buffer.from('gone'), 404)).result)).toMatchObject({
      code: 'NETWORK',
    });
    expect(await faultOf(update('zips', 'http://example.com/all.zip').result)).toMatchObject({
      code: 'USAGE',
    });
  });
});
