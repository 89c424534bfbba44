import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { findPeer } from '../peers.ts';
import { password, startVariant, user } from '../registry-variants.ts';

const program = findPeer('oci-conformance');
const needs = program ? '' : ' [needs oci-conformance]';

describe.skipIf(!program)(`the official conformance program${needs}`, () => {
  for (const version of ['1.1', 'dev']) {
    for (const kind of ['open', 'secured'] as const) {
      it(`passes in full: version ${version}, ${kind === 'open' ? 'without passwords' : 'with passwords and TLS'}`, async () => {
        const registry = await startVariant(kind);
        try {
          const output = await run(registry.folder, {
            OCI_VERSION: version,
            OCI_REGISTRY: registry.host,
            OCI_TLS: registry.isSecure ? 'enabled' : 'disabled',
            OCI_REPO1: 'conformance/one',
            OCI_REPO2: 'conformance/two',
            ...(registry.certificate !== undefined && {
              OCI_USERNAME: user,
              OCI_PASSWORD: password,
              SSL_CERT_FILE: registry.certificate,
            }),
          });
          expect(count(output, 'Fail')).toBe(0);
          expect(count(output, 'Error')).toBe(0);
          expect(count(output, 'Pass')).toBeGreaterThan(800);
        } finally {
          await registry.stop();
        }
      });
    }
  }
});

function run(cwd: string, env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = { cwd, env: { HOME: cwd, ...env }, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
    execFile(program ?? '', settings, (error, stdout, stderr) => {
      // It ends with 1 when a case fails; the counts say more than that.
      if (error && typeof error.code !== 'number') reject(error);
      else resolve(stdout + stderr);
    });
  });
}

/** The number in the summary line `Pass....:   860`. */
function count(output: string, verdict: string): number {
  return Number(new RegExp(`^ {2}${verdict}\\.+: +(\\d+)$`, 'mi').exec(output)?.[1] ?? Number.NaN);
}
