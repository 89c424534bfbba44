import { join } from 'node:path';
import { run } from '../src/ground/process/run.ts';
import { findPeer } from './peers.ts';
import type { SigningBench } from './signing-place.ts';

export type CosignVersion = 'cosign2' | 'cosign3';

/** Runs a real cosign that can reach nothing but this machine, with the trust of a local Sigstore. */
export async function cosign(
  version: CosignVersion,
  bench: SigningBench,
  ...args: readonly string[]
): Promise<{ readonly code: number | undefined; readonly text: string }> {
  const { code, stdout, stderr } = await run({
    program: findPeer(version) ?? version,
    args,
    cwd: bench.folder,
    timeLimit: 60_000,
    env: {
      HOME: bench.folder,
      PATH: '',
      COSIGN_PASSWORD: 'correct horse',
      SIGSTORE_ROOT_FILE: join(bench.data, 'fulcio.pem'),
      SIGSTORE_REKOR_PUBLIC_KEY: join(bench.data, 'rekor.pub'),
      SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: join(bench.data, 'ctfe.pub'),
      HTTPS_PROXY: 'http://127.0.0.1:9',
      NO_PROXY: '127.0.0.1',
    },
  });
  return { code, text: stdout.toString() + stderr.toString() };
}

export function rootFlags(bench: Pick<SigningBench, 'data'>): readonly string[] {
  return ['--trusted-root', join(bench.data, 'trusted_root.json')];
}

export function identityFlags(
  bench: Pick<SigningBench, 'identity'>,
  subject: string = bench.identity.subject,
): readonly string[] {
  return ['--certificate-identity', subject, '--certificate-oidc-issuer', bench.identity.issuer];
}

/** How each version reads each form. */
export const readers = [
  { version: 'cosign2', form: 'legacy', flags: () => [] },
  {
    version: 'cosign3',
    form: 'legacy',
    flags: (bench: SigningBench) => ['--new-bundle-format=false', ...rootFlags(bench)],
  },
  { version: 'cosign3', form: 'bundle', flags: rootFlags },
] as const satisfies readonly {
  version: CosignVersion;
  form: string;
  flags: (bench: SigningBench) => readonly string[];
}[];

/** How each version writes each form. */
export const writers = [
  {
    version: 'cosign2',
    form: 'legacy',
    flags: ({ sigstore }: SigningBench) => ['--fulcio-url', sigstore.url, '--rekor-url', sigstore.url],
  },
  {
    version: 'cosign3',
    form: 'legacy',
    flags: (bench: SigningBench) => [
      '--use-signing-config=false',
      '--new-bundle-format=false',
      '--fulcio-url',
      bench.sigstore.url,
      '--rekor-url',
      bench.sigstore.url,
      ...rootFlags(bench),
    ],
  },
  {
    version: 'cosign3',
    form: 'bundle, Rekor 2',
    flags: (bench: SigningBench) => [
      '--signing-config',
      join(bench.data, 'signing_config.json'),
      ...rootFlags(bench),
    ],
  },
  {
    version: 'cosign3',
    form: 'bundle, Rekor 1',
    flags: (bench: SigningBench) => [
      '--signing-config',
      join(bench.data, 'signing_config.v1-tsa.json'),
      ...rootFlags(bench),
    ],
  },
] as const satisfies readonly {
  version: CosignVersion;
  form: string;
  flags: (bench: SigningBench) => readonly string[];
}[];
