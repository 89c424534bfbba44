import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryAccess } from '../src/image/oci/access.ts';
import { open } from '../src/image/oci/open.ts';
import { startRegistry } from '../src/image/oci/server/start-registry.ts';
import type { Digest } from '../src/model/digest.ts';
import { githubClaims } from '../src/trust/attest/local-sigstore/identity/development-identity.ts';
import { type LocalSigstore, startLocalSigstore } from '../src/trust/attest/local-sigstore/start.ts';
import { pushSampleImage } from '../src/workflow/up/sample-image.ts';
import { startDockerRegistry } from './docker-registry.ts';
import { imageOf, pushImage } from './images.ts';

/** A folder with a local Sigstore, and what its development identity is called. */
export interface SigningBench {
  readonly folder: string;
  readonly sigstore: LocalSigstore;
  /** The folder of the local Sigstore. */
  readonly data: string;
  readonly identity: { readonly issuer: string; readonly subject: string };
  token(claims?: Readonly<Record<string, unknown>>): string;
  /** Writes a file and gives its path. */
  write(name: string, content: string | object): string;
  close(): Promise<void>;
}

export async function openSigningBench(): Promise<SigningBench> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-signing-'));
  const data = join(folder, 'sigstore');
  const sigstore = await startLocalSigstore({ project: 'bench', folder: data });
  return {
    folder,
    sigstore,
    data,
    identity: {
      issuer: sigstore.issuer,
      subject: 'https://github.com/example/shop/.github/workflows/release.yml@refs/heads/main',
    },
    token: claims => sigstore.mintToken(claims ?? githubClaims()),
    write: (name, content) => {
      const path = join(folder, name);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    },
    close: async () => {
      await sigstore.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface TestRegistry {
  readonly host: string;
  readonly url: string;
  /** A fresh image of one platform; its reference with the digest. */
  image(repository: string, word?: string): Promise<{ readonly reference: string; readonly digest: Digest }>;
  /** The sample image of two platforms. */
  index(repository: string): Promise<{ readonly reference: string; readonly digest: Digest }>;
  stop(): Promise<void>;
}

/** A registry with the referrers API (ours) or without (the reference one, whose program is given). */
export async function openTestRegistry(program?: string): Promise<TestRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-evidence-registry-'));
  const running =
    program === undefined ? await startRegistry({ data: folder }) : await startDockerRegistry(program);
  const { host } = new URL(running.url);
  const access = new RegistryAccess({ env: {} });
  const registryOf = async (repository: string) =>
    (await open(`${host}/${repository}:1`, access, { to: 'write' })).registry;
  let count = 0;
  return {
    host,
    url: running.url,
    image: async (repository, word = `image ${++count}`) => {
      const digest = await pushImage(await registryOf(repository), imageOf(word), '1');
      return { reference: `${host}/${repository}@${digest}`, digest };
    },
    index: async repository => {
      const digest = await pushSampleImage(await registryOf(repository), '1', new AbortController().signal);
      return { reference: `${host}/${repository}@${digest}`, digest };
    },
    stop: async () => {
      access.close();
      await ('stop' in running ? running.stop() : running.close());
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
