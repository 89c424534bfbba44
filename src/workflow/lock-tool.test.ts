import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EvidenceLab, openEvidenceLab } from '../../test/evidence.ts';
import { tarOf } from '../../test/tar.ts';
import { formatBundle } from '../trust/attest/bundle/format-bundle.ts';
import { signMessage } from '../trust/attest/sign.ts';
import { type LockToolOptions, lockTool } from './lock-tool.ts';
import { findLockedTool } from './tools/find-locked.ts';

const script = '#!/bin/sh\necho scanner\n';
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const release = 'trivy_0.74.0_Linux-64bit.tar.gz';

describe('the lock of tools', () => {
  let lab: EvidenceLab;
  let cwd: string;
  let now = new Date();
  const clock = { now: () => now };
  const path = (name: string): string => join(cwd, name);
  const read = () => JSON.parse(readFileSync(path('.cascadeguard/tools.lock.json'), 'utf8'));
  const publishers = () => ({ roots: [lab.root], trust: { allowLocal: true } });

  beforeAll(async () => {
    lab = await openEvidenceLab();
  });
  afterAll(async () => await lab.sigstore.close());
  beforeEach(() => {
    now = new Date();
    cwd = mkdtempSync(join(tmpdir(), 'cg-lock-tool-'));
    writeFileSync(path('trivy'), script, { mode: 0o755 });
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  const lock = async (more: Partial<LockToolOptions>) =>
    await lockTool({ tool: 'trivy', cwd, env: { PATH: cwd }, clock, publishers: publishers(), ...more });
  const signer = () => ({ identity: lab.identity.subject ?? '', issuer: lab.identity.issuer ?? '' });
  const vouched = { version: '0.74.0', by: 'team-platform', vouch: 'checked by hand' };
  const find = async () =>
    await findLockedTool('trivy', { cwd, env: { PATH: cwd }, clock, publishers: publishers() });
  const pass = (days: number): void => {
    now = new Date(now.getTime() + days * 86_400_000);
  };

  /** The archive of a release and its bundle, as a publisher uploads them. */
  async function writeRelease(content = script): Promise<{ asset: string; bundle: string }> {
    const archive = gzipSync(
      tarOf([
        { name: 'README.md', content: 'hi' },
        { name: 'trivy', content, mode: 0o755 },
      ]),
    );
    const signed = await signMessage(await lab.run(), archive, lab.place());
    writeFileSync(path(release), archive);
    writeFileSync(path(`${release}.sigstore.json`), formatBundle(signed.bundle));
    return { asset: path(release), bundle: path(`${release}.sigstore.json`) };
  }

  it('takes a program of a signed release, which runs when it is a week old', async () => {
    const locked = await lock({ ...(await writeRelease()), ...signer() });
    expect(locked).toMatchObject({ version: '0.74.0', digest: `sha256:${sha256(script)}` });
    expect(locked.installed).toBeUndefined();
    expect((await find())?.trust.trust).toBe('denied');
    pass(8);
    expect((await find())?.trust).toEqual({ trust: 'verified', version: '0.74.0' });
  });

  it('judges the signature again before every run, so a lock that was edited proves nothing', async () => {
    await lock({ ...(await writeRelease()), ...signer(), by: 'me', waiveAge: 'a trial' });
    expect((await find())?.trust.trust).toBe('verified');
    const before = read();
    const asset = Object.keys(before.tools.trivy.assets)[0] ?? '';
    before.tools.trivy.assets[asset].sha256 = sha256('another archive');
    writeFileSync(path('.cascadeguard/tools.lock.json'), JSON.stringify(before));
    expect((await find())?.trust).toMatchObject({
      trust: 'unverified',
      reason: expect.stringContaining('signature'),
    });
  });

  it.each([
    ['is missing', () => rmSync(path('.cascadeguard/tools'), { recursive: true })],
    ['is an address', () => edit('https://example.com/trivy.sigstore.json')],
    ['lies elsewhere', () => edit('../trivy_0.74.0_Linux-64bit.tar.gz.sigstore.json')],
  ])('does not let a program run whose bundle %s', async (_what, change) => {
    await lock({ ...(await writeRelease()), ...signer(), by: 'me', waiveAge: 'a trial' });
    change();
    expect((await find())?.trust.trust).toBe('unverified');
  });

  function edit(bundle: string): void {
    const before = read();
    for (const asset of Object.values<{ bundle: string }>(before.tools.trivy.assets)) asset.bundle = bundle;
    writeFileSync(path('.cascadeguard/tools.lock.json'), JSON.stringify(before));
  }

  it('refuses a release that somebody else signed, and writes nothing', async () => {
    const given = { ...(await writeRelease()), ...signer(), identity: 'https://github.com/evil/trivy' };
    await expect(lock(given)).rejects.toMatchObject({ code: 'TOOL_UNTRUSTED' });
    expect(read).toThrow();
  });

  it('refuses a file that the bundle is not of', async () => {
    const { asset, bundle } = await writeRelease();
    writeFileSync(asset, gzipSync(tarOf([{ name: 'trivy', content: 'evil' }])));
    await expect(lock({ asset, bundle, ...signer() })).rejects.toMatchObject({ code: 'TOOL_UNTRUSTED' });
  });

  it('knows who signs trivy, and so refuses what another identity signed', async () => {
    const refused = await lock(await writeRelease()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'TOOL_UNTRUSTED' });
    expect(JSON.stringify(refused)).toContain('aquasecurity/trivy');
  });

  it('takes the program on the PATH when somebody vouches for it', async () => {
    const locked = await lock(vouched);
    expect(locked).toMatchObject({ vouchedBy: 'team-platform', digest: `sha256:${sha256(script)}` });
    pass(8);
    expect((await find())?.trust.trust).toBe('verified');
  });

  it('says that the program on the PATH is another one than that of the release', async () => {
    const locked = await lock({ ...(await writeRelease('another')), ...signer() });
    expect(locked.installed).toContain('trivy');
  });

  it.each<[string, Partial<LockToolOptions>, string]>([
    ['without a proof', { version: '0.74.0' }, 'USAGE'],
    ['without somebody who answers', { version: '0.74.0', vouch: 'looked at it' }, 'USAGE'],
    ['whose version cannot be known', { by: 'me', vouch: 'looked at it' }, 'USAGE'],
    ['that is known to be hostile', { ...vouched, version: 'v0.69.4' }, 'TOOL_UNTRUSTED'],
    ['whose file is not there', { ...vouched, asset: '/nowhere/trivy' }, 'FILE_MISSING'],
    ['whose bundle is not there', { version: '0.74.0', bundle: '/nowhere/bundle' }, 'FILE_MISSING'],
    ['for a platform that leads elsewhere', { ...vouched, platform: 'linux/x/../../y' }, 'USAGE'],
    ['of a version that leads elsewhere', { ...vouched, version: '1/../../y' }, 'USAGE'],
    ['that is not installed', { ...vouched, tool: 'grype' }, 'FILE_MISSING'],
  ])('takes no program %s', async (_what, given, code) => {
    await expect(lock(given)).rejects.toMatchObject({ code });
    expect(read).toThrow();
  });

  it('keeps when it first saw a program, and starts again for other bytes', async () => {
    const first = await lock(vouched);
    pass(3);
    expect((await lock(vouched)).firstSeen).toBe(first.firstSeen);
    writeFileSync(path('trivy'), `${script}#`, { mode: 0o755 });
    expect((await lock(vouched)).firstSeen).toBe(now.toISOString());
  });

  it('keeps the other platforms of a release, and drops those of another', async () => {
    await lock({ ...vouched, platform: 'linux/arm64' });
    await lock({ ...vouched, platform: 'linux/amd64' });
    expect(Object.keys(read().tools.trivy.assets)).toEqual(['linux/arm64', 'linux/amd64']);
    await lock({ ...vouched, version: '0.75.0', platform: 'linux/amd64' });
    expect(Object.keys(read().tools.trivy.assets)).toEqual(['linux/amd64']);
  });

  it('refuses an archive without the program', async () => {
    const asset = path(release);
    writeFileSync(asset, gzipSync(tarOf([{ name: 'other', content: 'x' }])));
    await expect(lock({ ...vouched, asset })).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });
});
