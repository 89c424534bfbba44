import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSigningKey } from './open-key.ts';

it('a signer program sees the credentials of its key service and no others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cg-signer-'));
  const [program, publicKey] = [join(folder, 'signer.mjs'), join(folder, 'key.pub')];
  const seen = join(folder, 'seen');
  writeFileSync(
    program,
    `import { writeFileSync } from 'node:fs';
     writeFileSync(process.argv[2], Object.keys(process.env).sort().join(' '));`,
  );
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(publicKey, pair.publicKey.export({ format: 'pem', type: 'spki' }));
  const names =
    'AWS_REGION VAULT_TOKEN MY_HSM_PIN GITHUB_TOKEN CI_JOB_TOKEN SIGSTORE_ID_TOKEN COSIGN_PASSWORD ' +
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN CI_REGISTRY_PASSWORD';
  const secrets = Object.fromEntries(names.split(' ').map(name => [name, 'x']));
  const env = { ...secrets, PATH: process.env['PATH'], CG_SIGNER_ENV: 'MY_HSM_PIN' };
  const holder = await openSigningKey({
    key: `command:${process.execPath} ${program} ${seen}`,
    publicKey,
    env,
  });
  await expect(holder.sign(Buffer.from('x'))).rejects.toMatchObject({ code: 'SIGNER_FAILED' });
  expect(readFileSync(seen, 'utf8')).toBe('AWS_REGION MY_HSM_PIN PATH VAULT_TOKEN');
});
