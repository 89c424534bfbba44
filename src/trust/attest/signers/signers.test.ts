import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { commandSigner } from './command-signer.ts';
import { encryptCosignKey } from './cosign-key.ts';
import { publicKeyFromText, signerFromEnvironment, signerFromKeyText } from './key-file.ts';

const data = Buffer.from('what is signed');
const password = () => Promise.resolve('correct horse');
const pkcs8 = (key: KeyObject) => key.export({ format: 'pem', type: 'pkcs8' }) as string;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;

describe('a key in a text', () => {
  it.each([
    ['P-256', ec('P-256'), 'sha256'],
    ['P-384', ec('P-384'), 'sha384'],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey, undefined],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 'sha256'],
  ])('signs: %s', async (_name, key, hash) => {
    const signer = await signerFromKeyText(pkcs8(key));
    expect(verify(hash, data, createPublicKey(key), await signer.sign(data))).toBe(true);
  });

  it('may be encrypted, as PKCS#8 or as cosign does it', async () => {
    const key = ec('P-256');
    const cipher = {
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: 'correct horse',
    } as const;
    const cosign = await encryptCosignKey(key.export({ format: 'der', type: 'pkcs8' }), 'correct horse');
    for (const text of [key.export(cipher) as string, cosign]) {
      const signer = await signerFromKeyText(text, { password });
      expect(verify('sha256', data, createPublicKey(key), await signer.sign(data))).toBe(true);
      for (const secret of [{}, { password: () => Promise.resolve('wrong-password') }]) {
        const error: unknown = await signerFromKeyText(text, secret).catch((fault: unknown) => fault);
        expect(error).toMatchObject({ code: 'KEY_INVALID' });
        expect((error as Error).cause).toBeUndefined();
        expect(String(error)).not.toContain('wrong-password');
      }
    }
  });

  it.each([
    ['nothing', ''],
    ['a text', 'hello'],
    ['a weak RSA key', pkcs8(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)],
    ['an odd curve', pkcs8(ec('secp256k1'))],
    [
      'a broken cosign key',
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nQUJD\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n',
    ],
  ])('is refused: %s', async (_name, text) => {
    await expect(signerFromKeyText(text, { password })).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it.each([
    { N: 2 ** 21, r: 8, p: 1 },
    { N: 65_536, r: 64, p: 1 },
    { N: 65_536, r: 8, p: 100 },
    { N: 65_537, r: 8, p: 1 },
    { N: 0, r: 0, p: 0 },
  ])('decides not how much memory we use: %o', async params => {
    const file = {
      kdf: { name: 'scrypt', params, salt: 'AAAA' },
      cipher: { name: 'nacl/secretbox', nonce: Buffer.alloc(24).toString('base64') },
      ciphertext: 'AAAA',
    };
    const label = 'ENCRYPTED COSIGN PRIVATE KEY';
    const pem = `-----BEGIN ${label}-----\n${Buffer.from(JSON.stringify(file)).toString('base64')}\n-----END ${label}-----\n`;
    await expect(signerFromKeyText(pem, { password })).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it('may be in the environment', async () => {
    const key = ec('P-256');
    const signer = await signerFromEnvironment('SIGNING_KEY', { SIGNING_KEY: pkcs8(key) });
    expect(signer.publicKey.equals(createPublicKey(key))).toBe(true);
    await expect(signerFromEnvironment('SIGNING_KEY', {})).rejects.toMatchObject({
      code: 'KEY_INVALID',
      where: 'SIGNING_KEY',
    });
  });

  it('is not taken as a public key when it is a private one', () => {
    expect(() => publicKeyFromText(pkcs8(ec('P-256')))).toThrow(/public key/);
  });
});

describe('a signer program', () => {
  const key = ec('P-256');
  const program = `
    const { createPrivateKey } = require('node:crypto');
    const { p256 } = require(process.env.CURVES);
    let text = '';
    process.stdin.on('data', chunk => (text += chunk)).on('end', () => {
      const { digest, algorithm } = JSON.parse(text);
      if (algorithm !== 'sha256') process.exit(9);
      const secret = Buffer.from(createPrivateKey(process.env.KEY).export({ format: 'jwk' }).d, 'base64url');
      const bytes = p256.sign(Buffer.from(digest, 'base64'), secret, { prehash: false, format: 'der' });
      console.log(Buffer.from(bytes).toString('base64'));
    });`;
  const open = (script: string, timeLimit = 20_000) =>
    commandSigner({
      command: [process.execPath, '-e', script],
      publicKey: createPublicKey(key),
      environment: {
        KEY: pkcs8(key),
        CURVES: new URL('../../../../node_modules/@noble/curves/nist.js', import.meta.url).pathname,
      },
      timeLimit,
    });

  it.skipIf(Number(process.versions.node.split('.')[0]) < 20)(
    'signs the digest that it is given',
    async () => {
      expect(verify('sha256', data, createPublicKey(key), await open(program).sign(data))).toBe(true);
    },
  );

  it.each([
    ['that fails', 'process.exit(3)', 'SIGNER_FAILED'],
    ['that writes no signature', 'console.log("hello")', 'SIGNER_FAILED'],
    ['that writes the signature of something else', 'console.log("MEUCIQ==")', 'SIGNER_FAILED'],
    [
      'that writes without end',
      'setInterval(() => process.stdout.write("A".repeat(65536)), 1)',
      'TOOL_FAILED',
    ],
  ])('%s gives no signature', async (_name, script, code) => {
    await expect(open(script).sign(data)).rejects.toMatchObject({ code });
  });

  it('that hangs is ended in time', async () => {
    await expect(open('setInterval(() => {}, 1000)', 300).sign(data)).rejects.toMatchObject({
      code: 'TOOL_FAILED',
    });
  });
});
