import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { faultOf } from '../../../../test/faults.ts';
import {
  blobOf,
  imageOf,
  indexOf,
  manifestOf,
  pushImage,
  referrerOf,
  sha256,
  type TestImage,
} from '../../../../test/images.ts';
import { quickTiming } from '../../../../test/quick-timing.ts';
import { type DoubleOptions, RegistryDouble } from '../../../../test/registry-double.ts';
import { inParallel } from '../../../ground/process/in-parallel.ts';
import { mediaTypes } from '../../../model/descriptor.ts';
import { RegistryAccess } from '../access.ts';
import { parseContent } from '../content.ts';
import { blobPath } from '../layout/blob-files.ts';
import { LayoutRegistry } from '../layout/layout.ts';
import type { Registry } from '../registry.ts';
import { RemoteRegistry } from '../remote/remote.ts';
import { type CopyEvent, copyImage } from './copy.ts';

const folder = mkdtempSync(join(tmpdir(), 'cg-copy-'));
const open: { close(): unknown }[] = [];
let count = 0;
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function remote(
  options: DoubleOptions = {},
): Promise<{ double: RegistryDouble; at: (repository: string) => RemoteRegistry }> {
  const double = await RegistryDouble.start(options);
  const access = new RegistryAccess({
    env: {},
    timing: quickTiming(),
    credentials: () => Promise.resolve(undefined),
  });
  open.push(double, access);
  return { double, at: repository => new RemoteRegistry(access.session(double.host), repository) };
}

const layout = (): LayoutRegistry => new LayoutRegistry(join(folder, `layout-${count++}`));

const amd = imageOf('app', ['shared base', 'amd program']);
const arm = imageOf('app', ['shared base', 'arm program'], {
  os: 'linux',
  architecture: 'arm64',
  variant: 'v8',
});
const index = indexOf([
  { ...amd, platform: { os: 'linux', architecture: 'amd64' } },
  { ...arm, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
]);
const sbom = referrerOf(arm.manifest, 'application/spdx+json');
const signature = referrerOf(index, 'application/vnd.example.signature');
const signatureOfSbom = referrerOf(
  sbom.manifest,
  'application/vnd.example.signature',
  'signature of the SBOM',
);
const legacyTag = `sha256-${index.descriptor.digest.slice(7)}.sig`;

/** An image for two platforms with evidence at every level and in both forms. */
async function pushAll(registry: Registry): Promise<void> {
  await pushImage(registry, amd);
  await pushImage(registry, arm);
  await registry.push({ kind: 'manifest', ...index, tags: ['v1'] });
  for (const referrer of [sbom, signature, signatureOfSbom]) await pushImage(registry, referrer);
  await pushImage(registry, imageOf('legacy signature'), legacyTag);
}

async function expectAll(registry: Registry, tag: string): Promise<void> {
  expect((await registry.manifest(tag)).bytes).toEqual(Buffer.from(index.bytes));
  const digests = async (of: TestImage['manifest']): Promise<string[]> =>
    (await registry.referrers(of.descriptor.digest)).map(({ digest }) => digest);
  expect(await digests(index)).toEqual([signature.manifest.descriptor.digest]);
  expect(await digests(arm.manifest)).toEqual([sbom.manifest.descriptor.digest]);
  expect(await digests(sbom.manifest)).toEqual([signatureOfSbom.manifest.descriptor.digest]);
  expect(await registry.head(legacyTag)).toBeDefined();
  for (const image of [amd, arm, sbom, signature, signatureOfSbom]) {
    for (const { descriptor } of image.blobs) for await (const _ of registry.blob(descriptor));
  }
}

describe('copying an image', () => {
  it.each(['registry', 'layout'] as const)(
    'brings everything that refers to it along, from a registry to a %s and back',
    async middle => {
      const source = (await remote({ referrers: 'none' })).at('shop/web');
      await pushAll(source);
      const between = middle === 'layout' ? layout() : (await remote({ referrers: 'api' })).at('mirror/web');
      const there = await copyImage({ from: source, reference: 'v1', to: between, tags: ['v1'] });
      await expectAll(between, 'v1');
      expect([there.evidence, there.manifests.uploaded, there.conflicts, there.strays]).toEqual([
        4,
        7,
        [],
        [],
      ]);
      const back = (await remote()).at('restored');
      await copyImage({ from: between, reference: 'v1', to: back, tags: ['v2'] });
      await expectAll(back, 'v2');
    },
  );

  it('does nothing the second time', async () => {
    const source = (await remote()).at('shop/web');
    await pushAll(source);
    const target = await remote({ referrers: 'api' });
    await copyImage({ from: source, reference: 'v1', to: target.at('x'), tags: ['v1'] });
    const before = target.double.count('POST', '/uploads/');
    const again = await copyImage({ from: source, reference: 'v1', to: target.at('x'), tags: ['v1'] });
    expect([
      again.bytesSent,
      again.manifests.uploaded,
      target.double.count('POST', '/uploads/') - before,
    ]).toEqual([0, 0, 0]);
  });

  it('puts right what a folder lost or holds under a wrong name, also below manifests that are there', async () => {
    const source = (await remote()).at('shop/web');
    await pushAll(source);
    const target = layout();
    await copyImage({ from: source, reference: 'v1', to: target, tags: ['v1'] });
    const [config, part] = amd.blobs.map(({ descriptor }) => descriptor);
    if (config === undefined || part === undefined) throw new Error('no blobs');
    rmSync(blobPath(target.folder, config.digest));
    writeFileSync(blobPath(target.folder, part.digest), Buffer.alloc(part.size));
    const again = await copyImage({ from: source, reference: 'v1', to: target, tags: ['v1'] });
    expect([again.blobs.uploaded, again.bytesSent]).toEqual([2, config.size + part.size]);
    rmSync(join(target.folder, 'blobs'), { recursive: true });
    await copyImage({ from: source, reference: 'v1', to: target, tags: ['v1'] });
    await expectAll(target, 'v1');
  });

  it('mounts within one registry instead of sending', async () => {
    const { at, double } = await remote();
    await pushAll(at('from'));
    const result = await copyImage({ from: at('from'), reference: 'v1', to: at('to'), tags: ['v1'] });
    expect([result.bytesSent, result.blobs.uploaded, result.blobs.mounted > 5]).toEqual([0, 0, true]);
    expect(double.count('GET', /\/blobs\//)).toBe(0);
  });

  it('takes one platform, as the image itself', async () => {
    const source = layout();
    await pushAll(source);
    const target = layout();
    const result = await copyImage({
      from: source,
      reference: 'v1',
      to: target,
      tags: ['v1'],
      platform: { os: 'linux', architecture: 'arm64' },
    });
    expect(result.root.digest).toBe(arm.manifest.descriptor.digest);
    expect((await target.referrers(arm.manifest.descriptor.digest)).length).toBe(1);
    expect(await target.head(amd.manifest.descriptor.digest)).toBeUndefined();
    const fault = await faultOf(
      copyImage({
        from: source,
        reference: 'v1',
        to: layout(),
        tags: ['v1'],
        platform: { os: 'linux', architecture: 's390x' },
      }),
    );
    expect([fault.code, fault.actual]).toEqual(['NOT_FOUND', 'linux/amd64, linux/arm64/v8']);
  });

  it('leaves evidence behind when that is wanted', async () => {
    const source = layout();
    await pushAll(source);
    const target = layout();
    const result = await copyImage({
      from: source,
      reference: 'v1',
      to: target,
      tags: ['v1'],
      evidence: false,
    });
    expect([result.evidence, await target.referrers(index.descriptor.digest)]).toEqual([0, []]);
  });

  it('moves the tag last: an interrupted copy leaves the old image there, and goes on later', async () => {
    const source = layout();
    await pushAll(source);
    const old = imageOf('old');
    let isBroken = true;
    const { at, double } = await remote({
      intercept: (request, response) => {
        if (
          !isBroken ||
          request.method !== 'PUT' ||
          request.url?.endsWith(`/manifests/${arm.manifest.descriptor.digest}`) !== true
        )
          return false;
        response.writeHead(400).end();
        return true;
      },
    });
    await pushImage(at('x'), old, 'v1');
    expect(
      (await faultOf(copyImage({ from: source, reference: 'v1', to: at('x'), tags: ['v1'] }))).code,
    ).toBe('REFUSED');
    expect((await at('x').head('v1'))?.digest).toBe(old.manifest.descriptor.digest);
    isBroken = false;
    const uploads = double.count('POST', '/uploads/');
    const result = await copyImage({ from: source, reference: 'v1', to: at('x'), tags: ['v1'] });
    await expectAll(at('x'), 'v1');
    expect(result.blobs.uploaded).toBe(double.count('POST', '/uploads/') - uploads);
    expect(result.blobs.present).toBeGreaterThan(0);
  });

  it('leaves nothing of a wrong blob in a layout, and no tag', async () => {
    const { at } = await remote({
      intercept: (request, response) =>
        request.method === 'GET' &&
        request.url?.includes('/blobs/') === true &&
        (response.end('wrong bytes'), true),
    });
    await pushAll(at('x'));
    const target = layout();
    expect(
      (await faultOf(copyImage({ from: at('x'), reference: 'v1', to: target, tags: ['v1'] }))).kind,
    ).toBe('trust');
    expect(readdirSync(target.folder).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect(readdirSync(join(target.folder, 'blobs', 'sha256'))).toEqual([]);
    expect(await target.head('v1')).toBeUndefined();
  });

  it('tells what it is about to do and what it did', async () => {
    const source = layout();
    await pushImage(source, amd, 'v1');
    const events: CopyEvent[] = [];
    await copyImage({
      from: source,
      reference: 'v1',
      to: layout(),
      tags: ['a', 'b'],
      onProgress: event => events.push(event),
    });
    const bytes = amd.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    expect(events[0]).toEqual({ kind: 'planned', manifests: 1, blobs: 3, bytes });
    expect(
      events.flatMap(event => (event.kind === 'transferred' ? event.bytes : [])).reduce((a, b) => a + b),
    ).toBe(bytes);
    expect(events.slice(-2).map(event => event.kind === 'tagged' && event.tag)).toEqual(['a', 'b']);
  });

  it('adds evidence in the old form to what the target has, and does so once', async () => {
    const source = layout();
    await pushAll(source);
    const target = layout();
    await pushImage(target, imageOf('another signature'), legacyTag);
    const copy = () => copyImage({ from: source, reference: 'v1', to: target, tags: ['v1'] });
    expect((await copy()).conflicts).toEqual([]);
    const merged = await target.manifest(legacyTag);
    const content = parseContent(merged);
    expect(content.kind === 'manifest' && content.layers.map(({ digest }) => digest)).toEqual(
      ['layer of another signature', 'layer of legacy signature'].map(text => sha256(Buffer.from(text))),
    );
    expect((await copy()).manifests.uploaded).toBe(0);
    expect((await target.manifest(legacyTag)).descriptor.digest).toBe(merged.descriptor.digest);
  });

  it('leaves alone what is no evidence at such a tag', async () => {
    const source = layout();
    await pushAll(source);
    const target = layout();
    await target.push({ kind: 'manifest', ...indexOf([]), tags: [legacyTag] });
    await expect(
      copyImage({ from: source, reference: 'v1', to: target, tags: ['v1'] }),
    ).rejects.toMatchObject({
      code: 'CONTENT_INVALID',
    });
    expect(await target.head('v1')).toBeUndefined();
  });

  it('carries a thousand referrers in bounded memory, and nothing the second time', async () => {
    const [from, to] = [await remote({ referrers: 'api' }), await remote({ referrers: 'api' })];
    const [source, target] = [from.at('shop/web'), to.at('shop/web')];
    const image = imageOf('popular');
    await pushImage(source, image, 'v1');
    const notes = Array.from({ length: 1_000 }, (_, n) =>
      referrerOf(image.manifest, 'application/x.note', `note ${n}`),
    );
    await inParallel(notes, 6, async note => await pushImage(source, note));
    const before = process.memoryUsage().heapUsed;
    const copy = () => copyImage({ from: source, reference: 'v1', to: target, tags: ['v1'] });
    expect(await copy()).toMatchObject({ evidence: 1_000, manifests: { uploaded: 1_001 } });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(256 * 1024 * 1024);
    expect(await copy()).toMatchObject({ evidence: 1_000, manifests: { uploaded: 0 }, bytesSent: 0 });
  }, 60_000);

  it('does not replace another attached file', async () => {
    const source = layout();
    const sbomTag = legacyTag.replace('.sig', '.sbom');
    await pushAll(source);
    await pushImage(source, imageOf('an SBOM'), sbomTag);
    const target = layout();
    const theirs = await pushImage(target, imageOf('another SBOM'), sbomTag);
    const result = await copyImage({ from: source, reference: 'v1', to: target, tags: ['v1'] });
    expect([result.conflicts, (await target.head(sbomTag))?.digest]).toEqual([[sbomTag], theirs]);
  });

  it('does not believe a list of referrers that lies', async () => {
    const source = layout();
    await pushImage(source, amd, 'v1');
    const stranger = imageOf('stranger');
    await pushImage(source, stranger);
    const list = manifestOf({ manifests: [stranger.manifest.descriptor] }, mediaTypes.index);
    await source.push({
      kind: 'manifest',
      ...list,
      tags: [`sha256-${amd.manifest.descriptor.digest.slice(7)}`],
    });
    const result = await copyImage({ from: source, reference: 'v1', to: layout(), tags: ['v1'] });
    expect([result.evidence, result.strays.map(({ digest }) => digest)]).toEqual([
      0,
      [stranger.manifest.descriptor.digest],
    ]);
  });

  it('goes eight indexes deep and no deeper', async () => {
    const source = layout();
    await pushImage(source, amd);
    let inner = amd.manifest;
    for (let depth = 1; depth <= 9; depth++) {
      inner = indexOf([{ manifest: inner }]);
      await source.push({ kind: 'manifest', ...inner, tags: [`depth-${depth}`] });
    }
    expect(
      (await copyImage({ from: source, reference: 'depth-8', to: layout(), tags: ['x'] })).manifests.uploaded,
    ).toBe(9);
    expect(
      (await faultOf(copyImage({ from: source, reference: 'depth-9', to: layout(), tags: ['x'] }))).code,
    ).toBe('LIMIT_EXCEEDED');
  });

  it('copies a chain of evidence about evidence only so far', async () => {
    const source = layout();
    await pushImage(source, amd, 'v1');
    let subject = amd.manifest;
    for (let depth = 0; depth < 10; depth++) {
      const referrer = referrerOf(subject, 'a/b', `link ${depth}`);
      await pushImage(source, referrer);
      subject = referrer.manifest;
    }
    expect(
      (await faultOf(copyImage({ from: source, reference: 'v1', to: layout(), tags: ['x'] }))).code,
    ).toBe('LIMIT_EXCEEDED');
  });

  it('refuses a wide index of indexes with shared children in bounded time', async () => {
    const source = layout();
    await pushImage(source, amd);
    let level = [indexOf([{ manifest: amd.manifest }])];
    for (let depth = 0; depth < 5; depth++) {
      for (const node of level) await source.push({ kind: 'manifest', ...node });
      // Each level names every node of the level below many times.
      level = Array.from({ length: 3 }, (_, at) =>
        manifestOf(
          {
            manifests: Array.from({ length: 30 }, () => level.map(({ descriptor }) => descriptor)).flat(),
            annotations: { at: `${depth} ${at}` },
          },
          mediaTypes.index,
        ),
      );
    }
    for (const node of level) await source.push({ kind: 'manifest', ...node, tags: ['wide'] });
    const result = await copyImage({ from: source, reference: 'wide', to: layout(), tags: ['x'] });
    expect(result.manifests.uploaded).toBeLessThan(20);
  });

  it('skips layers that are elsewhere by licence', async () => {
    const source = layout();
    const config = blobOf('{}', mediaTypes.config);
    const foreign = {
      ...blobOf('not here').descriptor,
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      urls: ['https://example.com/layer'],
    };
    const windows = manifestOf({ config: config.descriptor, layers: [foreign] });
    await source.push(config.push);
    await source.push({ kind: 'manifest', ...windows, tags: ['v1'] });
    const target = (await remote()).at('x');
    await copyImage({ from: source, reference: 'v1', to: target, tags: ['v1'] });
    expect((await target.head('v1'))?.digest).toBe(windows.descriptor.digest);
  });

  it('stops when it is told to', async () => {
    const source = layout();
    await pushAll(source);
    const controller = new AbortController();
    const work = copyImage({
      from: source,
      reference: 'v1',
      to: layout(),
      tags: ['v1'],
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('stopped')),
    });
    await expect(work).rejects.toThrow('stopped');
  });
});

describe('broken evidence', () => {
  it('does not keep the good from being copied, and is told', async () => {
    const { at, double } = await remote();
    await pushImage(at('x'), amd, 'v1');
    const good = referrerOf(amd.manifest, 'a/b');
    await pushImage(at('x'), good);
    // Others list what is gone, and what is no manifest at all.
    const tag = `sha256-${amd.manifest.descriptor.digest.slice(7)}`;
    const gone = imageOf('gone').manifest.descriptor;
    const junk = blobOf('[]', mediaTypes.manifest);
    double
      .repository('x')
      .manifests.set(junk.descriptor.digest, { type: mediaTypes.manifest, bytes: junk.bytes });
    const list = manifestOf(
      { manifests: [gone, junk.descriptor, good.manifest.descriptor] },
      mediaTypes.index,
    );
    await at('x').push({ kind: 'manifest', ...list, tags: [tag] });
    const target = layout();
    const result = await copyImage({ from: at('x'), reference: 'v1', to: target, tags: ['v1'] });
    expect([result.evidence, result.strays.map(({ digest }) => digest)]).toEqual([
      1,
      [gone.digest, junk.descriptor.digest],
    ]);
    expect((await target.referrers(amd.manifest.descriptor.digest)).length).toBe(1);
  });
});
