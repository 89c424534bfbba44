import { createHash, createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/ground/process/run.ts';
import type { Digest } from '../../src/model/digest.ts';
import { formatBundle } from '../../src/trust/attest/bundle/format-bundle.ts';
import {
  githubClaims,
  personClaims,
} from '../../src/trust/attest/local-sigstore/identity/development-identity.ts';
import { signMessage, signStatement } from '../../src/trust/attest/sign.ts';
import { decryptCosignKey, encryptCosignKey } from '../../src/trust/attest/signers/cosign-key.ts';
import { signerFromKeyText } from '../../src/trust/attest/signers/key-file.ts';
import { ephemeralKey } from '../../src/trust/attest/signers/memory-signer.ts';
import { startKeyRun } from '../../src/trust/attest/signing-run.ts';
import { buildStatement, formatStatement } from '../../src/trust/attest/statement.ts';
import { judgeItem } from '../../src/trust/attest/verify/judge.ts';
import { type EvidenceLab, openEvidenceLab } from '../evidence.ts';
import { findPeer } from '../peers.ts';

const versions = ['cosign2', 'cosign3'] as const;
type Version = (typeof versions)[number];

let lab: EvidenceLab;
let folder: string;
let digest: Digest;
const predicateType = 'https://example.com/predicate/v1';
const blob = 'a small artifact\n';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cg-cosign-'));
  lab = await openEvidenceLab({ folder: join(folder, 'sigstore') });
  writeFileSync(join(folder, 'blob'), blob);
  writeFileSync(join(folder, 'predicate.json'), '{"answer":42}');
  digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;
});

afterAll(() => lab.sigstore.close());

async function cosign(
  version: Version,
  ...args: readonly string[]
): Promise<{ code: number | undefined; text: string }> {
  const sigstore = join(folder, 'sigstore');
  const finished = await run({
    program: findPeer(version) ?? version,
    args,
    cwd: folder,
    timeLimit: 60_000,
    // No network but the local Sigstore, no cache, no proxy.
    env: {
      HOME: folder,
      PATH: '',
      COSIGN_PASSWORD: 'correct horse',
      SIGSTORE_ROOT_FILE: join(sigstore, 'fulcio.pem'),
      SIGSTORE_REKOR_PUBLIC_KEY: join(sigstore, 'rekor.pub'),
      SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: join(sigstore, 'ctfe.pub'),
      HTTP_PROXY: 'http://127.0.0.1:9',
      HTTPS_PROXY: 'http://127.0.0.1:9',
      NO_PROXY: '127.0.0.1',
    },
  });
  return { code: finished.code, text: finished.stdout.toString() + finished.stderr.toString() };
}

const trustedRoot = () => ['--trusted-root', join(folder, 'sigstore', 'trusted_root.json')];
const newFormat = (version: Version) => (version === 'cosign2' ? ['--new-bundle-format'] : []);
const identity = (subject = lab.identity.subject ?? '') => [
  '--certificate-identity',
  subject,
  '--certificate-oidc-issuer',
  lab.sigstore.issuer,
];

function services(version: Version, config: string): string[] {
  const { url } = lab.sigstore;
  return version === 'cosign2'
    ? ['--fulcio-url', url, '--rekor-url', url, '--new-bundle-format']
    : ['--signing-config', join(folder, 'sigstore', config), ...trustedRoot()];
}

function judgeFile(name: string, subject = lab.identity.subject ?? '') {
  const bytes = readFileSync(join(folder, name));
  return judgeItem(
    { id: name, store: 'file', form: 'bundle', bytes },
    lab.expect({
      digest,
      identities: [{ issuer: lab.sigstore.issuer, subject }],
      allowBlobSignature: true,
    }),
    { roots: [lab.root] },
  );
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

function statement() {
  return buildStatement({ name: 'blob', digest, predicateType, predicate: { answer: 42 } });
}

for (const version of versions) {
  const isThere = findPeer(version) !== undefined;
  const suffix = isThere ? '' : ` [needs ${version}]`;
  const configs =
    version === 'cosign2'
      ? ['v1']
      : ['signing_config.json', 'signing_config.v1.json', 'signing_config.v1-tsa.json'];

  describe.skipIf(!isThere)(`${version}${suffix}`, () => {
    it.each(configs)('signs a blob against our Sigstore, and we accept it (%s)', async config => {
      const token = lab.sigstore.mintToken(githubClaims());
      const bundle = `${version}-${config}-sign.bundle`;
      const signed = await cosign(
        version,
        'sign-blob',
        '--yes',
        '--identity-token',
        token,
        ...services(version, config),
        '--bundle',
        bundle,
        'blob',
      );
      expect(signed.code, signed.text).toBe(0);
      expect(judgeFile(bundle)).toMatchObject({ verified: true, kind: 'signature', reasons: [] });
    });

    it.each(configs)('attests a blob as a person, and we accept it (%s)', async config => {
      const token = lab.sigstore.mintToken(personClaims('ada@example.com'));
      const bundle = `${version}-${config}-attest.bundle`;
      const attested = await cosign(
        version,
        'attest-blob',
        '--yes',
        '--identity-token',
        token,
        ...services(version, config),
        '--type',
        predicateType,
        '--predicate',
        'predicate.json',
        '--bundle',
        bundle,
        'blob',
      );
      expect(attested.code, attested.text).toBe(0);
      expect(judgeFile(bundle, 'ada@example.com')).toMatchObject({
        verified: true,
        predicateType,
        reasons: [],
      });
      expect(judgeFile(bundle).reasons.map(({ code }) => code)).toEqual(['identity']);
    });

    const variants =
      version === 'cosign2' ? (['v1', 'v1-tsa'] as const) : (['v1', 'v1-tsa', 'v2-tsa'] as const);
    it.each(variants)('accepts our attestation, and not as somebody else (%s)', async variant => {
      const { bundle } = await signStatement(
        await lab.run(),
        formatStatement(statement()),
        lab.place(variant),
      );
      const file = write(`our-${version}-${variant}.bundle`, formatBundle(bundle));
      const check = (subject?: string) =>
        cosign(
          version,
          'verify-blob-attestation',
          ...newFormat(version),
          '--bundle',
          file,
          ...trustedRoot(),
          '--type',
          predicateType,
          ...identity(subject),
          'blob',
        );
      const accepted = await check();
      expect(accepted.code, accepted.text).toBe(0);
      expect((await check('https://github.com/example/other')).code).not.toBe(0);
    });

    it.each(variants)('accepts our signature over a blob (%s)', async variant => {
      const { bundle } = await signMessage(await lab.run(), Buffer.from(blob), lab.place(variant));
      const file = write(`our-${version}-${variant}-blob.bundle`, formatBundle(bundle));
      const accepted = await cosign(
        version,
        'verify-blob',
        ...newFormat(version),
        '--bundle',
        file,
        ...trustedRoot(),
        ...identity(),
        'blob',
      );
      expect(accepted.code, accepted.text).toBe(0);
    });

    it('reads the key that we encrypt, and we read its own', async () => {
      const ours = ephemeralKey();
      write(
        'ours.key',
        await encryptCosignKey(ours.export({ format: 'der', type: 'pkcs8' }), 'correct horse'),
      );
      const shown = await cosign(version, 'public-key', '--key', 'ours.key');
      expect(shown.code, shown.text).toBe(0);
      expect(shown.text).toContain('BEGIN PUBLIC KEY');

      const made = await cosign(version, 'generate-key-pair', '--output-key-prefix', `${version}-made`);
      expect(made.code, made.text).toBe(0);
      const text = readFileSync(join(folder, `${version}-made.key`), 'utf8');
      const key = createPrivateKey({
        key: await decryptCosignKey(text, 'correct horse'),
        format: 'der',
        type: 'pkcs8',
      });
      expect(key.asymmetricKeyType).toBe('ec');
      await expect(decryptCosignKey(text, 'wrong')).rejects.toMatchObject({ code: 'KEY_INVALID' });
    });

    it('accepts what we sign with its key', async () => {
      await cosign(version, 'generate-key-pair', '--output-key-prefix', `${version}-sign`);
      const text = readFileSync(join(folder, `${version}-sign.key`), 'utf8');
      const key = await signerFromKeyText(text, { password: () => Promise.resolve('correct horse') });
      const { bundle } = await signStatement(startKeyRun(key), formatStatement(statement()), {
        ...lab.place('v1'),
        log: 'v1',
      });
      const file = write(`${version}-key.bundle`, formatBundle(bundle));
      const accepted = await cosign(
        version,
        'verify-blob-attestation',
        ...newFormat(version),
        '--bundle',
        file,
        ...trustedRoot(),
        '--key',
        `${version}-sign.pub`,
        '--type',
        predicateType,
        'blob',
      );
      expect(accepted.code, accepted.text).toBe(0);
    });
  });
}
