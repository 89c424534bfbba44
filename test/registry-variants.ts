import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { startRegistry } from '../src/image/oci/server/start-registry.ts';

export const user = 'alice';
export const password = 'correct horse: battery';

export interface Variant {
  readonly url: string;
  /** `127.0.0.1:PORT`, as references are written. */
  readonly host: string;
  readonly isSecure: boolean;
  /** Path of the certificate, when there is TLS. */
  readonly certificate: string | undefined;
  readonly folder: string;
  stop(): Promise<void>;
}

/** Our registry, open or with passwords and TLS. */
export async function startVariant(kind: 'open' | 'secured'): Promise<Variant> {
  const folder = await mkdtemp(join(tmpdir(), `cg-registry-${kind}-`));
  const isSecure = kind === 'secured';
  const tls = isSecure ? makeCertificate(folder) : undefined;
  const htpasswd = join(folder, 'htpasswd');
  if (isSecure) await writeFile(htpasswd, `${user}:${hashSync(password, 4)}\n`);
  const registry = await startRegistry({
    data: join(folder, 'data'),
    ...(tls && { tls, htpasswd }),
    shutdownTimeout: 1_000,
  });
  const stop = async (): Promise<void> => {
    await registry.close();
    await rm(folder, { recursive: true, force: true });
  };
  const { url } = registry;
  return { url, host: new URL(url).host, isSecure, certificate: tls?.cert, folder, stop };
}

/** A certificate of its own for 127.0.0.1, made with openssl. */
export function makeCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const cert = join(folder, 'ca.crt');
  const key = join(folder, 'key.pem');
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', ...kind, ...name, '-keyout', key, '-out', cert];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { cert, key };
}
