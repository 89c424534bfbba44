import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../test/faults.ts';
import { imageOf, indexOf, pushImage, referrerOf } from '../../test/images.ts';
import { json, RegistryDouble } from '../../test/registry-double.ts';
import { LayoutRegistry } from '../image/oci/layout/layout.ts';
import { copyImage } from './copy-image.ts';
import { inspectImage } from './inspect-image.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-workflow-'));
afterAll(() => rmSync(root, { recursive: true }));

const amd = imageOf('app', ['one', 'two']);
const arm = imageOf('app', ['one', 'three'], { os: 'linux', architecture: 'arm64' });
const attestation = imageOf('attestation', ['in-toto'], { os: 'unknown', architecture: 'unknown' });
const index = indexOf([
  { ...amd, platform: { os: 'linux', architecture: 'amd64' } },
  { ...arm, platform: { os: 'linux', architecture: 'arm64' } },
  { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } },
]);

async function source(): Promise<string> {
  const layout = new LayoutRegistry(join(root, 'source'));
  for (const image of [amd, arm, attestation]) await pushImage(layout, image);
  await layout.push({ kind: 'manifest', ...index, tags: ['v1'] });
  const signature = referrerOf(index, 'application/vnd.example.signature');
  await pushImage(layout, signature);
  await pushImage(layout, referrerOf(signature.manifest, 'application/vnd.example.timestamp'));
  await pushImage(layout, referrerOf(arm.manifest, 'application/spdx+json'));
  return `oci:${layout.folder}:v1`;
}

describe('cg copy', () => {
  it('leaves a folder whose one image needs no name, although its evidence lies beside it', async () => {
    const layout = new LayoutRegistry(join(root, 'untagged'));
    await pushImage(layout, amd);
    await pushImage(layout, referrerOf(amd.manifest, 'application/vnd.example.signature'));
    const target = `oci:${join(root, 'carried')}`;
    const from = `oci:${layout.folder}@${amd.manifest.descriptor.digest}`;
    await copyImage({ source: from, target, env: {} });
    expect((await inspectImage({ image: target, env: {} })).digest).toBe(amd.manifest.descriptor.digest);
  });

  it('takes the tag of the source when the target has none', async () => {
    const double = await RegistryDouble.start();
    const from = await source();
    const result = await copyImage({ source: from, target: `${double.host}/shop/web`, env: {} });
    expect([result.tags, result.root.digest, result.source]).toEqual([['v1'], index.descriptor.digest, from]);
    const own = await copyImage({ source: from, target: `${double.host}/shop/web:own`, env: {} });
    expect([own.tags, own.bytesSent]).toEqual([['own'], 0]);
    const exact = await copyImage({
      source: from,
      target: `${double.host}/shop/other@${index.descriptor.digest}`,
      env: {},
    });
    expect(exact.tags).toEqual([]);
    const unnamed = await copyImage({
      source: from.replace(/:v1$/, ''),
      target: `${double.host}/shop/third`,
      env: {},
    });
    expect(unnamed.tags).toEqual(['v1']);
    await double.close();
  });

  it('refuses a target that names another digest before the tag moves', async () => {
    const double = await RegistryDouble.start();
    const target = `${double.host}/shop/web:prod`;
    await copyImage({ source: await source(), target, env: {}, platform: 'linux/amd64' });
    const wrong = `${target}@${amd.manifest.descriptor.digest}`;
    const before = double.seen.length;
    const fault = await faultOf(copyImage({ source: await source(), target: wrong, env: {} }));
    expect([fault.code, fault.expected, fault.actual]).toEqual([
      'USAGE',
      amd.manifest.descriptor.digest,
      index.descriptor.digest,
    ]);
    expect(double.seen.slice(before).filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual(
      [],
    );
    expect(double.repository('shop/web').tags.get('prod')).toBe(amd.manifest.descriptor.digest);
    await double.close();
  });

  it('refuses a target folder that names another digest', async () => {
    const target = `oci:${root}/other@sha256:${'0'.repeat(64)}`;
    expect((await faultOf(copyImage({ source: await source(), target, env: {} }))).code).toBe('USAGE');
  });

  it('works offline between files, and says what is missing otherwise', async () => {
    const result = await copyImage({
      source: await source(),
      target: `oci:${root}/offline:v1`,
      env: {},
      offline: true,
    });
    expect(result.root.digest).toBe(index.descriptor.digest);
    const fault = await faultOf(
      copyImage({ source: 'ghcr.io/you/web:1', target: `oci:${root}/offline:v2`, env: {}, offline: true }),
    );
    expect([fault.code, fault.message]).toEqual([
      'OFFLINE',
      'the manifest ghcr.io/you/web:1 is needed from ghcr.io, and nothing may be fetched',
    ]);
  });

  it('sends the password of the command line to the one registry that it names, and never to a second', async () => {
    const asking = (): Promise<RegistryDouble> =>
      RegistryDouble.start({
        intercept: (request, response) => {
          if (request.headers.authorization !== undefined) return false;
          json(response, 401, {}, { 'www-authenticate': 'Basic realm="test"' });
          return true;
        },
      });
    const [one, other] = [await asking(), await asking()];
    const login = { username: 'me', password: planted.password, env: { HOME: root } };
    const to = `${one.host}/shop/web:1`;
    await copyImage({ source: await source(), target: to, ...login });
    expect(one.seen.some(({ headers }) => headers.authorization?.startsWith('Basic '))).toBe(true);
    const before = one.seen.length;
    const fault = await faultOf(copyImage({ source: to, target: `${other.host}/shop/web:1`, ...login }));
    expect([fault.code, fault.next]).toEqual(['USAGE', expect.stringContaining(`cg login ${other.host}`)]);
    expect([one.seen.length - before, other.seen]).toEqual([0, []]);
    expect((await copyImage({ source: to, target: `${one.host}/shop/copy`, ...login })).tags).toEqual(['1']);
    await one.close();
    await other.close();
  });

  it('wants sensible options', async () => {
    const good = { source: 'a.example/x', target: `oci:${root}/x`, env: {} };
    expect((await faultOf(copyImage({ ...good, platform: 'linux' }))).code).toBe('USAGE');
    expect((await faultOf(copyImage({ ...good, username: 'user' }))).code).toBe('USAGE');
    expect((await faultOf(copyImage({ ...good, source: 'UPPER' }))).code).toBe('REFERENCE_INVALID');
    expect((await faultOf(copyImage({ ...good, caFiles: [join(root, 'none.pem')] }))).code).toBe(
      'FILE_MISSING',
    );
    writeFileSync(join(root, 'no.pem'), 'no certificate');
    expect((await faultOf(copyImage({ ...good, caFiles: [join(root, 'no.pem')] }))).code).toBe(
      'FILE_INVALID',
    );
  });
});

describe('cg inspect', () => {
  it('shows platforms, configurations, layers and everything that refers to any of it', async () => {
    const result = await inspectImage({ image: await source(), env: {}, offline: true });
    expect(result.digest).toBe(index.descriptor.digest);
    expect(
      result.children?.map(({ platform, layers, image }) => [platform, layers?.length, image?.architecture]),
    ).toEqual([
      ['linux/amd64', 2, 'amd64'],
      ['linux/arm64', 2, 'arm64'],
      [undefined, 1, 'unknown'],
    ]);
    expect(result.children?.[0]?.compressedSize).toBe(
      amd.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
    );
    expect(result.children?.[1]?.referrers?.map(({ artifactType }) => artifactType)).toEqual([
      'application/spdx+json',
    ]);
    expect(
      result.referrers?.map(({ artifactType, referrers }) => [artifactType, referrers?.[0]?.artifactType]),
    ).toEqual([['application/vnd.example.signature', 'application/vnd.example.timestamp']]);
  });

  it('says which platforms there are', async () => {
    const fault = await faultOf(inspectImage({ image: await source(), env: {}, platform: 'windows/amd64' }));
    expect([fault.code, fault.expected, fault.actual]).toEqual([
      'NOT_FOUND',
      'windows/amd64',
      'linux/amd64, linux/arm64',
    ]);
    const half = await faultOf(inspectImage({ image: await source(), env: {}, platform: 'arm64' }));
    expect([half.code, half.next]).toEqual(['USAGE', '--platform linux/arm64']);
    expect(half.message).toContain('did you mean linux/arm64?');
  });

  it('shows one platform, or leaves referrers out', async () => {
    const one = await inspectImage({
      image: await source(),
      env: {},
      platform: 'linux/aarch64',
      referrers: false,
    });
    expect([one.digest, one.referrers, one.children]).toEqual([
      arm.manifest.descriptor.digest,
      undefined,
      undefined,
    ]);
  });
});
