import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EvidenceLab, exampleStatement, image, openEvidenceLab } from '../../../test/evidence.ts';
import { HttpClient } from '../../ground/http/client.ts';
import { systemClock } from '../../model/clock.ts';
import { formatBundle } from './bundle/format-bundle.ts';
import { parseBundle } from './bundle/parse-bundle.ts';
import { readIdentityToken } from './identity-token/identity-token.ts';
import { githubClaims } from './local-sigstore/identity/development-identity.ts';
import { clientHttp } from './services/client-http.ts';
import type { Http } from './services/http.ts';
import { signMessage, signStatement } from './sign.ts';
import { memorySigner } from './signers/memory-signer.ts';
import { startKeylessRun, startKeyRun } from './signing-run.ts';
import { formatImageSignature, formatStatement } from './statement.ts';
import { judgeItem } from './verify/judge.ts';

let lab: EvidenceLab;
beforeAll(async () => {
  lab = await openEvidenceLab();
});
afterAll(() => lab.sigstore.close());

const http = clientHttp(new HttpClient());

function counting(): { http: Http; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    http: (request, o) => {
      asked.push(new URL(request.url).pathname);
      return http(request, o);
    },
  };
}

function start(more: Partial<Parameters<typeof startKeylessRun>[0]> = {}) {
  const token = readIdentityToken(lab.sigstore.mintToken(githubClaims()), 'test', systemClock);
  return startKeylessRun({ token, services: lab.place().services, http, ...more });
}

describe('a signing run', () => {
  it('asks for one certificate, however many statements it signs', async () => {
    const { http: counted, asked } = counting();
    const run = await start({ http: counted });
    for (let n = 0; n < 5; n++) await signStatement(run, formatStatement(exampleStatement), lab.place());
    expect(asked).toEqual(['/api/v2/signingCert']);
  });

  it('gets a new certificate when less than a minute is left of the old one', async () => {
    let shift = 0;
    const { http: counted, asked } = counting();
    const run = await start({ http: counted, clock: { now: () => new Date(Date.now() + shift) } });
    const first = (await run.current()).certificate?.leaf.serial;
    shift = 8.5 * 60_000;
    expect((await run.current()).certificate?.leaf.serial).toBe(first);
    shift = 9.5 * 60_000;
    expect((await run.current()).certificate?.leaf.serial).not.toBe(first);
    expect(asked).toHaveLength(2);
  });

  it('refuses before it asks for a certificate when it would sign as somebody unwanted', async () => {
    const { http: counted, asked } = counting();
    const expected = [{ issuer: lab.sigstore.issuer, subject: 'https://github.com/example/other' }];
    await expect(start({ http: counted, expected })).rejects.toMatchObject({
      code: 'SIGNER_UNWANTED',
      expected: expect.stringContaining('example/other'),
      actual: expect.stringContaining('example/shop'),
    });
    expect(asked).toEqual([]);
  });

  it('refuses when only a claim of the certificate is unwanted', async () => {
    const expected = [{ ...lab.identity, claims: { buildTrigger: 'workflow_dispatch' } }];
    await expect(start({ expected })).rejects.toMatchObject({ code: 'SIGNER_UNWANTED' });
    await expect(start({ expected: [lab.identity] })).resolves.toMatchObject({
      signer: { kind: 'certificate' },
    });
  });

  it('never shows the token when the authority refuses it, even if the authority repeats it', async () => {
    const text = lab.sigstore.mintToken(githubClaims());
    const token = readIdentityToken(text, 'test', systemClock);
    const rude: Http = () =>
      Promise.resolve({
        status: 401,
        headers: {},
        body: Buffer.from(JSON.stringify({ message: `bad token ${text}` })),
      });
    const error: unknown = await start({ token, http: rude }).catch((fault: unknown) => fault);
    expect(error).toMatchObject({ code: 'SIGSTORE_REFUSED', message: expect.stringContaining('<token>') });
    for (const part of text.split('.')) expect(JSON.stringify(error) + String(error)).not.toContain(part);
  });

  it.each([
    ['an empty answer', ''],
    ['no chain', '{"signedCertificateEmbeddedSct":{}}'],
    ['no certificate', '{"signedCertificateEmbeddedSct":{"chain":{"certificates":["x"]}}}'],
  ])('says that the authority is broken when it answers with %s', async (_name, body) => {
    const broken: Http = () => Promise.resolve({ status: 200, headers: {}, body: Buffer.from(body) });
    await expect(start({ http: broken })).rejects.toMatchObject({ code: 'SIGSTORE_REFUSED' });
  });
});

describe('what is signed', () => {
  const judge = (bytes: Uint8Array) =>
    judgeItem({ id: 'x', store: 'file', form: 'bundle', bytes }, lab.expect(), { roots: [lab.root] });

  it('is the same after it was written and read', async () => {
    for (const variant of ['v1', 'v1-tsa', 'v2-tsa'] as const) {
      const { bundle } = await signStatement(
        await lab.run(),
        formatStatement(exampleStatement),
        lab.place(variant),
      );
      const text = formatBundle(bundle);
      expect(formatBundle(parseBundle(Buffer.from(text)))).toBe(text);
    }
  });

  it('is a signature, not an attestation, when it is an image signature', async () => {
    const { bundle } = await signStatement(await lab.run(), formatImageSignature(image), lab.place());
    const item = judge(Buffer.from(formatBundle(bundle)));
    expect(item).toMatchObject({ verified: true, kind: 'signature' });
  });

  it('says nothing about an image when it is a blob that happens to be signed', async () => {
    const { bundle } = await signMessage(await lab.run(), Buffer.from('blob'), lab.place());
    expect(judge(Buffer.from(formatBundle(bundle))).reasons.map(({ code }) => code)).toEqual(['subject']);
  });

  it('is checked against the root of the services before it leaves', async () => {
    const other = await openEvidenceLab();
    const place = { ...lab.place(), root: other.root };
    await expect(
      signStatement(await lab.run(), formatStatement(exampleStatement), place),
    ).rejects.toMatchObject({
      code: 'EVIDENCE_INVALID',
    });
    await other.sigstore.close();
  });

  it('needs Rekor 1 for the legacy form, and says so', async () => {
    const { rekorV1: _none, ...services } = lab.place().services;
    const place = { ...lab.place(), services, log: 'v1' } as const;
    await expect(
      signStatement(await lab.run(), formatStatement(exampleStatement), place),
    ).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('legacy form'),
    });
  });

  it('takes the entry that is there when the log has it already', async () => {
    const key = generateKeyPairSync('ed25519').privateKey;
    // Ed25519 signs the same bytes the same way, so that the second entry equals the first.
    const run = startKeyRun(memorySigner(key));
    const place = { ...lab.place('v1'), log: 'v1' } as const;
    const sign = async () =>
      (await signStatement(run, formatStatement(exampleStatement), place)).bundle.entries[0];
    const [first, second] = [await sign(), await sign()];
    expect(second?.logIndex).toBe(first?.logIndex);
  });
});
