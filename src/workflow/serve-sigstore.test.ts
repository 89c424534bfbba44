import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeToken } from '../trust/attest/identity-token/json-web-token.ts';
import { mintDevelopmentToken, serveSigstore, sigstoreFolder } from './serve-sigstore.ts';

const home = () => mkdtempSync(join(tmpdir(), 'cg-home-'));

describe('cg sigstore serve', () => {
  it('keeps each project in a folder of its own below the user data folder', () => {
    expect(sigstoreFolder('shop', { HOME: '/home/ada' })).toBe(
      '/home/ada/.local/share/cascadeguard/sigstore/shop',
    );
    expect(sigstoreFolder('shop', { XDG_DATA_HOME: '/data' })).toBe('/data/cascadeguard/sigstore/shop');
    expect(sigstoreFolder('shop', { XDG_DATA_HOME: 'relative', HOME: '/h' })).toMatch(/^\/h\//);
  });

  it.each(['../up', '', '.hidden', 'a/b', 'x'.repeat(101)])(
    'refuses the project name "%s" as a folder',
    project => {
      expect(() => sigstoreFolder(project, { HOME: '/h' })).toThrow(
        expect.objectContaining({ code: 'USAGE' }),
      );
    },
  );

  it.each(['0.0.0.0:80', '192.168.1.1:80', 'example.com:80', '127.0.0.1:99999', '127.0.0.1'])(
    'listens on the loopback interface only, not on %s',
    async address => {
      const environment = { HOME: home() };
      await expect(serveSigstore({ project: 'shop', address, environment })).rejects.toMatchObject({
        code: 'USAGE',
      });
      expect(existsSync(join(environment.HOME, '.local'))).toBe(false);
    },
  );

  it('comes back at the same address, unless another one is asked for', async () => {
    const environment = { HOME: home() };
    const first = await serveSigstore({ project: 'shop', environment });
    await first.close();
    const second = await serveSigstore({ project: 'shop', environment });
    expect(second.url).toBe(first.url);
    await second.close();
    const moved = await serveSigstore({ project: 'shop', environment, address: '127.0.0.1:0' });
    expect(moved.url).not.toBe(first.url);
    // What it signs is still checked under its first name, so that old proofs stay true.
    expect(moved.trustedRoot).toEqual(first.trustedRoot);
    const config = readFileSync(join(moved.folder, 'signing_config.json'), 'utf8');
    expect(config).toContain(moved.url);
    await moved.close();
  });

  it('says so when the address is taken', async () => {
    const first = await serveSigstore({ project: 'one', environment: { HOME: home() } });
    const address = new URL(first.url).host;
    await expect(
      serveSigstore({ project: 'two', address, environment: { HOME: home() } }),
    ).rejects.toMatchObject({
      code: 'LOCAL_SIGSTORE_BUSY',
      message: expect.stringContaining(address),
    });
    await first.close();
  });
});

describe('cg sigstore token', () => {
  it.each([
    ['github', 'job_workflow_ref'],
    ['gitlab', 'ci_config_ref_uri'],
    ['ada@example.com', 'email'],
  ])('mints for %s, whether or not the server runs', async (as, claim) => {
    const environment = { HOME: home() };
    const served = await serveSigstore({ project: 'shop', environment });
    await served.close();
    const token = decodeToken(await mintDevelopmentToken({ as, project: 'shop', environment }));
    expect(token?.claims).toMatchObject({ iss: served.issuer, aud: 'sigstore', [claim]: expect.any(String) });
  });

  it('says what to do when there is no Sigstore yet, and makes no keys', async () => {
    const environment = { HOME: home() };
    const minted = mintDevelopmentToken({ as: 'github', project: 'shop', environment });
    await expect(minted).rejects.toMatchObject({ code: 'FILE_MISSING', next: 'cg sigstore serve' });
    expect(existsSync(join(environment.HOME, '.local'))).toBe(false);
  });

  it('refuses shapes that it does not know', async () => {
    const minted = mintDevelopmentToken({ as: 'bitbucket', project: 'shop', environment: { HOME: home() } });
    await expect(minted).rejects.toMatchObject({ code: 'USAGE' });
  });
});
