import type { JsonWebKey as NodeJwk } from 'node:crypto';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleStatement, openEvidenceLab } from '../../../../test/evidence.ts';
import { type Answer, call } from '../../../../test/http-call.ts';
import { formatBundle } from '../bundle/format-bundle.ts';
import { parseCertificate } from '../certificates/certificate.ts';
import { decodeOnePem } from '../certificates/pem.ts';
import { signToken } from '../identity-token/json-web-token.ts';
import { signStatement } from '../sign.ts';
import { formatStatement } from '../statement.ts';
import { readLeaf } from '../verify/certificate/leaf.ts';
import { judgeItem } from '../verify/judge.ts';
import { githubClaims, gitlabClaims, personClaims } from './identity/development-identity.ts';
import { type LocalSigstore, startLocalSigstore } from './start.ts';

let sigstore: LocalSigstore;
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

beforeAll(async () => {
  sigstore = await startLocalSigstore({ project: 'unit' });
});
afterAll(() => sigstore.close());

const claims = githubClaims();

function ask(token: string, o: { proof?: Buffer; key?: KeyObject } = {}): Promise<Answer> {
  const key = o.key ?? pair.publicKey;
  const proof = o.proof ?? sign('sha256', Buffer.from(String(claims['sub'])), pair.privateKey);
  const body = {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: {
      publicKey: { content: key.export({ format: 'pem', type: 'spki' }) },
      proofOfPossession: proof.toString('base64'),
    },
  };
  return post('/api/v2/signingCert', body);
}

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
  return call(sigstore.url, 'POST', path, { headers, body: JSON.stringify(body) });
}

function withHeader(token: string, header: object): string {
  const [, body = '', signature = ''] = token.split('.');
  return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${body}.${signature}`;
}

/** An entry that no other test has. */
function hashedRekord() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const value = createHash('sha256').update(pem).digest();
  const content = sign('sha256', Buffer.from(pem), privateKey).toString('base64');
  return {
    kind: 'hashedrekord',
    apiVersion: '0.0.1',
    spec: {
      data: { hash: { algorithm: 'sha256', value: value.toString('hex') } },
      signature: { content, publicKey: { content: Buffer.from(pem).toString('base64') } },
    },
  };
}

const seconds = () => Math.floor(Date.now() / 1000);

describe('the local certificate authority', () => {
  it('issues for a token of its own issuer, with the identity and the claims of the token', async () => {
    const reply = await ask(sigstore.mintToken(claims));
    expect(reply.status).toBe(200);
    const { chain } = reply.json()['signedCertificateEmbeddedSct'] as { chain: { certificates: string[] } };
    expect(chain.certificates).toHaveLength(3);
    const leaf = readLeaf(parseCertificate(decodeOnePem(chain.certificates[0] ?? '', 'CERTIFICATE')));
    expect(leaf.issuer).toBe(sigstore.issuer);
    expect(leaf.subject).toBe(`https://github.com/${String(claims['job_workflow_ref'])}`);
    expect(leaf.claims).toMatchObject({ buildTrigger: 'push', runnerEnvironment: 'github-hosted' });
  });

  it('speaks the first API as well, to a bearer, and answers a PEM chain', async () => {
    const token = sigstore.mintToken(personClaims('ada@example.com'));
    const reply = await post(
      '/api/v1/signingCert',
      {
        publicKey: { content: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64') },
        signedEmailAddress: sign('sha256', Buffer.from('ada@example.com'), pair.privateKey).toString(
          'base64',
        ),
      },
      { Authorization: `Bearer ${token}` },
    );
    expect([reply.status, reply.headers['content-type']]).toEqual([201, 'application/pem-certificate-chain']);
    expect(reply.body.toString().match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  });

  it('writes the formulas of GitLab', async () => {
    const token = sigstore.mintToken(gitlabClaims());
    const proof = sign('sha256', Buffer.from(String(gitlabClaims()['sub'])), pair.privateKey);
    const reply = await ask(token, { proof });
    const { chain } = reply.json()['signedCertificateEmbeddedSct'] as { chain: { certificates: string[] } };
    const leaf = readLeaf(parseCertificate(decodeOnePem(chain.certificates[0] ?? '', 'CERTIFICATE')));
    expect(leaf.subject).toBe('https://gitlab.com/example/shop//.gitlab-ci.yml@refs/heads/main');
    expect(leaf.claims).toMatchObject({
      sourceRepositoryRef: 'refs/heads/main',
      sourceRepositoryUri: 'https://gitlab.com/example/shop',
      runInvocationUri: 'https://gitlab.com/example/shop/-/jobs/1',
    });
  });

  const strangerKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  it.each([
    ['an expired token', 401, () => sigstore.mintToken({ ...claims, exp: seconds() - 60 })],
    ['a token without an expiry', 401, () => sigstore.mintToken({ ...claims, exp: undefined })],
    ['a token of the future', 401, () => sigstore.mintToken({ ...claims, nbf: seconds() + 60 })],
    ['a token for another audience', 401, () => sigstore.mintToken({ ...claims, aud: 'vault' })],
    [
      'a token of another issuer',
      401,
      () => sigstore.mintToken({ ...claims, iss: 'https://token.actions.githubusercontent.com' }),
    ],
    [
      'a token signed by a stranger',
      401,
      () =>
        signToken(
          { ...claims, iss: sigstore.issuer, aud: 'sigstore', exp: seconds() + 60 },
          strangerKey,
          'x',
        ),
    ],
    ['a token without an algorithm', 401, () => withHeader(sigstore.mintToken(claims), { alg: 'none' })],
    ['a token with a shared secret', 401, () => withHeader(sigstore.mintToken(claims), { alg: 'HS256' })],
    ['no token', 401, () => 'x'],
    ['a token without a needed claim', 400, () => sigstore.mintToken({ ...claims, workflow_sha: undefined })],
    [
      'an e-mail that is not verified',
      400,
      () => sigstore.mintToken({ ...personClaims('a@b.c'), email_verified: false }),
    ],
    ['a token of an unknown shape', 400, () => sigstore.mintToken({ sub: 'somebody' })],
  ])('refuses %s, and never repeats it', async (_name, status, mint) => {
    const token = mint();
    const reply = await ask(token);
    expect(reply.status).toBe(status);
    const text = reply.body.toString();
    if (token.length > 10) for (const part of token.split('.')) expect(text).not.toContain(part);
    expect(text).not.toContain('undefined');
  });

  it('names the claim that is missing', async () => {
    const reply = await ask(sigstore.mintToken({ ...claims, repository_id: undefined }));
    expect(reply.json()['message']).toBe('the identity token has no claim "repository_id"');
  });

  it('refuses a key whose owner does not show that it is theirs', async () => {
    const token = sigstore.mintToken(claims);
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect((await ask(token, { key: stranger.publicKey })).status).toBe(400);
    expect((await ask(token, { proof: Buffer.alloc(0) })).status).toBe(400);
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect((await ask(token, { key: weak.publicKey })).status).toBe(400);
  });
});

describe('the local logs and issuer', () => {
  it('store nothing whose signature does not verify', async () => {
    const data = { hash: { algorithm: 'sha256', value: 'ab'.repeat(32) } };
    const content = Buffer.from(pair.publicKey.export({ format: 'pem', type: 'spki' })).toString('base64');
    const signature = {
      content: sign('sha256', Buffer.from('x'), pair.privateKey).toString('base64'),
      publicKey: { content },
    };
    const reply = await post('/api/v1/log/entries', {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: { data, signature },
    });
    expect(reply.status).toBe(400);
  });

  it('answer the same entry twice with 409 and where it is', async () => {
    const value = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
    const content = Buffer.from(pair.publicKey.export({ format: 'pem', type: 'spki' })).toString('base64');
    const signature = {
      content: sign('sha256', Buffer.from('x'), pair.privateKey).toString('base64'),
      publicKey: { content },
    };
    const entry = {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: { data: { hash: { algorithm: 'sha256', value } }, signature },
    };
    const first = await post('/api/v1/log/entries', entry);
    const second = await post('/api/v1/log/entries', entry);
    expect([first.status, second.status]).toEqual([201, 409]);
    expect(second.headers['location']).toBe(first.headers['location']);
    const found = await call(sigstore.url, 'GET', String(second.headers['location']));
    expect(Object.keys(found.json())).toEqual(Object.keys(first.json()));
    expect(first.headers['etag']).toBe(Object.keys(first.json())[0]);
  });

  it('grow by one certificate with each that is issued, under a signed head', async () => {
    const head = async () => (await call(sigstore.url, 'GET', '/ct/v1/get-sth')).json();
    const before = await head();
    await ask(sigstore.mintToken(claims));
    const after = await head();
    expect(after['tree_size']).toBe(Number(before['tree_size']) + 1);
    const signed = Buffer.alloc(18);
    signed.writeUInt8(1, 1);
    signed.writeBigUInt64BE(BigInt(Number(after['timestamp'])), 2);
    signed.writeBigUInt64BE(BigInt(Number(after['tree_size'])), 10);
    const root = Buffer.from(String(after['sha256_root_hash']), 'base64');
    const signature = Buffer.from(String(after['tree_head_signature']), 'base64').subarray(4);
    const { ctlogs } = sigstore.trustedRoot as unknown as { ctlogs: { publicKey: { rawBytes: string } }[] };
    const der = Buffer.from(ctlogs[0]?.publicKey.rawBytes ?? '', 'base64');
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    expect(verify('sha256', Buffer.concat([signed, root]), key, signature)).toBe(true);
  });

  it('publish the keys with which tokens can be checked', async () => {
    const configuration = (
      await call(sigstore.issuer, 'GET', '/local/.well-known/openid-configuration')
    ).json();
    expect(configuration['issuer']).toBe(sigstore.issuer);
    expect(sigstore.issuer).toMatch(/\/local$/);
    const { keys } = (await call(sigstore.url, 'GET', '/local/keys')).json() as { keys: NodeJwk[] };
    const [header = '', body = '', signature = ''] = sigstore.mintToken(claims).split('.');
    const key = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' });
    expect(verify('sha256', Buffer.from(`${header}.${body}`), key, Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
  });

  it.each([
    ['GET', '/nowhere', 404],
    ['POST', '/api/v1/log/entries', 400],
    ['POST', '/api/v2/log/entries', 400],
    ['POST', '/api/v1/timestamp', 400],
    ['POST', '/api/v2/signingCert', 401],
    ['POST', '/api/v1/signingCert', 401],
    ['GET', `/api/v1/log/entries/${'0'.repeat(80)}`, 404],
  ])('answer a bad request in peace: %s %s → %i', async (method, path, status) => {
    expect((await call(sigstore.url, method, path, { body: method === 'POST' ? '{}' : '' })).status).toBe(
      status,
    );
  });
});

describe('a web page in a browser of this machine', () => {
  it.each([
    { Origin: 'https://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { Host: 'rebind.evil.example' },
  ])('is refused before its body is read: %j', async headers => {
    const before = (await call(sigstore.url, 'GET', '/api/v1/log')).json()['treeSize'];
    expect((await post('/api/v1/log/entries', hashedRekord(), headers)).status).toBe(403);
    expect((await call(sigstore.url, 'GET', '/api/v1/log')).json()['treeSize']).toBe(before);
  });
});

describe('a client that wants to fill the logs', () => {
  const padding = (size: number) => Buffer.alloc(size, 'x').toString('latin1');

  it.each(['/api/v2/log/entries', '/api/v2/signingCert', '/api/v1/timestamp', '/nowhere'])(
    'sends no more than 64 KiB to %s',
    async path => {
      expect((await post(path, { padding: padding(65_536) })).status).toBe(413);
    },
  );

  it('keeps no text of its own round a key', async () => {
    const entry = hashedRekord();
    const { publicKey } = entry.spec.signature;
    const pem = Buffer.from(publicKey.content, 'base64').toString();
    publicKey.content = Buffer.from(`${padding(9000)}\n${pem}\n${padding(9000)}`).toString('base64');
    const reply = await post('/api/v1/log/entries', entry);
    expect(reply.status).toBe(201);
    const [{ body } = { body: '' }] = Object.values(reply.json()) as { body: string }[];
    const stored = JSON.parse(Buffer.from(body, 'base64').toString()) as typeof entry;
    expect(Buffer.from(stored.spec.signature.publicKey.content, 'base64').toString()).toBe(pem);
  });

  it('names one key for an entry, not many', async () => {
    const entry = hashedRekord();
    const pem = Buffer.from(entry.spec.signature.publicKey.content, 'base64').toString();
    entry.spec.signature.publicKey.content = Buffer.from(pem.repeat(2)).toString('base64');
    expect((await post('/api/v1/log/entries', entry)).status).toBe(400);
  });
});

describe('a local Sigstore with a folder', () => {
  const folder = () => mkdtempSync(join(tmpdir(), 'cg-local-'));

  it('keeps its secrets to its owner', async () => {
    const data = folder();
    const one = await startLocalSigstore({ project: 'p', folder: join(data, 'x') });
    const keys = join(data, 'x', 'keys');
    expect(statSync(keys).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(keys)) expect(statSync(join(keys, name)).mode & 0o777).toBe(0o600);
    for (const name of readdirSync(join(data, 'x', 'logs'))) {
      expect(statSync(join(data, 'x', 'logs', name)).mode & 0o777).toBe(0o600);
    }
    await one.close();
  });

  it('is the same after a restart: keys, trees, and proofs of old and new entries', async () => {
    const data = folder();
    const first = await openEvidenceLab({ folder: data });
    const bundles = [];
    for (const variant of ['v1', 'v2-tsa'] as const) {
      bundles.push(
        (await signStatement(await first.run(), formatStatement(exampleStatement), first.place(variant)))
          .bundle,
      );
    }
    await first.sigstore.close();
    const second = await openEvidenceLab({ folder: data });
    expect(second.sigstore.trustedRoot).toEqual(first.sigstore.trustedRoot);
    bundles.push(
      (await signStatement(await second.run(), formatStatement(exampleStatement), second.place('v1'))).bundle,
    );
    for (const bundle of bundles) {
      const item = {
        id: 'x',
        store: 'file',
        form: 'bundle',
        bytes: Buffer.from(formatBundle(bundle)),
      } as const;
      expect(judgeItem(item, second.expect(), { roots: [second.root] }).reasons).toEqual([]);
    }
    expect(bundles[2]?.entries[0]?.logIndex).toBe(2);
    await second.sigstore.close();
  });

  it('drops a record that a crash cut short, and says so', async () => {
    const data = folder();
    const first = await openEvidenceLab({ folder: data });
    await signStatement(await first.run(), formatStatement(exampleStatement), first.place('v1'));
    await first.sigstore.close();
    const log = join(data, 'logs', 'rekor-v1.jsonl');
    const whole = readFileSync(log, 'utf8');
    appendFileSync(log, '{"body":"eyJ');
    const warnings: string[] = [];
    const second = await openEvidenceLab({ folder: data, warn: text => warnings.push(text) });
    expect(warnings.join()).toContain('rekor-v1.jsonl');
    expect(readFileSync(log, 'utf8')).toBe(whole);
    await signStatement(await second.run(), formatStatement(exampleStatement), second.place('v1'));
    await second.sigstore.close();
  });

  it('refuses a second process on the same folder', async () => {
    const data = folder();
    const one = await startLocalSigstore({ project: 'p', folder: data });
    await expect(startLocalSigstore({ project: 'p', folder: data })).rejects.toMatchObject({
      code: 'FOLDER_IN_USE',
    });
    await one.close();
    await (await startLocalSigstore({ project: 'p', folder: data })).close();
  });

  it('writes the roots that other programs read, the one-line form with its newline', async () => {
    const data = folder();
    const one = await startLocalSigstore({ project: 'p', folder: data });
    const line = readFileSync(join(data, 'trusted_root.jsonl'), 'utf8');
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual(one.trustedRoot);
    expect(JSON.parse(readFileSync(join(data, 'signing_config.json'), 'utf8'))).toEqual(
      one.signingConfig('v2-tsa'),
    );
    await one.close();
  });

  it('keeps thirty entries that arrive at once, each with a proof of its own', async () => {
    const lab = await openEvidenceLab({ folder: folder() });
    const run = await lab.run();
    const statements = Array.from({ length: 30 }, (_, n) => ({ ...exampleStatement, predicate: { n } }));
    const signed = await Promise.all(
      statements.map((one, n) =>
        signStatement(run, formatStatement(one), lab.place(n % 2 === 0 ? 'v1' : 'v2-tsa')),
      ),
    );
    const indexes = signed.map(({ bundle }) => `${bundle.entries[0]?.kind} ${bundle.entries[0]?.logIndex}`);
    expect(new Set(indexes).size).toBe(30);
    await lab.sigstore.close();
  });
});
