import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/ground/process/run.ts';
import { attestImage } from '../../src/workflow/attest-image.ts';
import { makeProvenance } from '../../src/workflow/make-provenance.ts';
import { signImage } from '../../src/workflow/sign-image.ts';
import { verifyImage } from '../../src/workflow/verify-image.ts';
import { buildRecord, githubEnvironment, gitlabEnvironment } from '../build-places.ts';
import { type CosignVersion, cosign, identityFlags, readers, rootFlags, writers } from '../cosign.ts';
import { findPeer } from '../peers.ts';
import {
  openSigningBench,
  openTestRegistry,
  type SigningBench,
  type TestRegistry,
} from '../signing-place.ts';

const predicateType = 'https://example.com/review/v1';
const dockerRegistry = findPeer('docker-registry');
const label = (...programs: readonly string[]) => {
  const missing = programs.filter(program => findPeer(program) === undefined);
  return missing.length === 0 ? '' : ` [needs ${missing.join(', ')}]`;
};

let bench: SigningBench;
beforeAll(async () => {
  bench = await openSigningBench();
  bench.write('review.json', { approved: true });
});
afterAll(async () => await bench.close());

const ours = (image: string) => ({ image, env: {}, local: { folder: bench.data } });
const withPredicate = (image: string) => ({
  ...ours(image),
  predicates: [{ type: predicateType, file: join(bench.folder, 'review.json') }],
});
const judge = (image: string, more: object = {}) =>
  verifyImage({
    image,
    env: {},
    identities: [bench.identity],
    allowLocalTrust: true,
    local: { folder: bench.data },
    predicateTypes: [predicateType],
    ...more,
  });

const kinds = [
  { name: 'a registry with the referrers API', program: undefined, needs: [] },
  { name: 'a registry without it', program: dockerRegistry, needs: ['docker-registry'] },
] as const;

for (const { name, program, needs } of kinds) {
  const isThere = needs.length === 0 || program !== undefined;
  describe.skipIf(!isThere)(`on ${name}${label(...needs)}`, () => {
    let registry: TestRegistry;
    beforeAll(async () => {
      registry = await openTestRegistry(program);
    });
    afterAll(async () => await registry?.stop());

    for (const { version, form, flags } of writers) {
      const lacks = label(version);
      it.skipIf(lacks !== '')(`we accept what ${version} writes: ${form}${lacks}`, async () => {
        const { reference } = await registry.image(
          `theirs/${version}-${form.replace(/\W+/g, '-').toLowerCase()}`,
        );
        const token = ['--yes', '--identity-token', bench.token()];
        const signed = await cosign(version, bench, 'sign', ...token, ...flags(bench), reference);
        expect(signed.code, signed.text).toBe(0);
        // A signature alone is no attestation.
        expect(await judge(reference)).toMatchObject({
          verdict: 'rejected',
          targets: [{ missing: [{ what: predicateType }] }],
        });
        const attested = await cosign(
          version,
          bench,
          'attest',
          ...token,
          ...flags(bench),
          '--type',
          predicateType,
          '--predicate',
          'review.json',
          reference,
        );
        expect(attested.code, attested.text).toBe(0);
        expect(await judge(reference)).toMatchObject({
          verdict: 'accepted',
          targets: [{ items: [{ verified: true }, { verified: true }] }],
        });
        const somebodyElse = [{ ...bench.identity, subject: `${bench.identity.subject}-evil` }];
        expect((await judge(reference, { identities: somebodyElse })).verdict).toBe('rejected');
      });
    }

    for (const { version, form, flags } of readers) {
      const lacks = label(version);
      it.skipIf(lacks !== '')(
        `${version} accepts what we write, read as ${form}, for the right identity only${lacks}`,
        async () => {
          const { reference } = await registry.image(`ours/${version}-${form}`);
          await signImage(ours(reference));
          await attestImage(withPredicate(reference));
          await expectAccepted(version, reference, flags(bench), ['--type', predicateType]);
        },
      );
    }

    it.skipIf(label('cosign3') !== '')(
      `cosign3 accepts our bundles with Rekor 1${label('cosign3')}`,
      async () => {
        const { reference } = await registry.image('ours/bundle-v1');
        const choice = {
          signingConfig: join(bench.data, 'signing_config.v1-tsa.json'),
          trustedRoot: join(bench.data, 'trusted_root.json'),
          identityToken: bench.write('token', bench.token()),
          shape: 'bundle',
        } as const;
        const { local: _local, ...rest } = ours(reference);
        await signImage({ ...rest, ...choice });
        await attestImage({ ...withPredicate(reference), ...rest, ...choice });
        await expectAccepted('cosign3', reference, rootFlags(bench), ['--type', predicateType]);
      },
    );

    it.skipIf(label('cosign2') !== '')(
      `cosign2 accepts our bundles with Rekor 1 when it is told to read them${label('cosign2')}`,
      async () => {
        const { reference } = await registry.image('ours/bundle-cosign2');
        const signingConfig = join(bench.data, 'signing_config.v1.json');
        const trustedRoot = join(bench.data, 'trusted_root.json');
        const choice = {
          env: { SIGSTORE_ID_TOKEN: bench.token() },
          signingConfig,
          trustedRoot,
          shape: 'bundle',
        } as const;
        await attestImage({ image: reference, ...choice, predicates: withPredicate('').predicates });
        const words = [
          'verify-attestation',
          '--new-bundle-format',
          '--type',
          predicateType,
          ...rootFlags(bench),
        ];
        const read = await cosign('cosign2', bench, ...words, ...identityFlags(bench), reference);
        expect(read.code, read.text).toBe(0);
        const wrong = await cosign(
          'cosign2',
          bench,
          ...words,
          ...identityFlags(bench, 'https://github.com/example/other'),
          reference,
        );
        expect(wrong.code).not.toBe(0);
      },
    );

    for (const version of ['cosign2', 'cosign3'] as const) {
      const lacks = label(version);
      it.skipIf(lacks !== '')(
        `keys work both ways with ${version}, encrypted by cosign${lacks}`,
        async () => {
          const prefix = `${version}-${program === undefined ? 'api' : 'tag'}`;
          const made = await cosign(version, bench, 'generate-key-pair', '--output-key-prefix', prefix);
          expect(made.code, made.text).toBe(0);
          const key = join(bench.folder, `${prefix}.key`);
          const pub = join(bench.folder, `${prefix}.pub`);
          const mine = await registry.image(`ours/key-${version}`);
          const env = { COSIGN_PASSWORD: 'correct horse' };
          await signImage({ image: mine.reference, env, key });
          await attestImage({ image: mine.reference, env, key, predicates: withPredicate('').predicates });
          const unlogged = ['--key', pub, '--insecure-ignore-tlog=true'];
          const own = version === 'cosign3' ? rootFlags(bench) : [];
          for (const form of version === 'cosign3' ? [[], ['--new-bundle-format=false']] : [[]]) {
            for (const words of [['verify'], ['verify-attestation', '--type', predicateType]]) {
              const read = await cosign(
                version,
                bench,
                ...words,
                ...unlogged,
                ...own,
                ...form,
                mine.reference,
              );
              expect(read.code, `${words[0]} ${form.join('')}: ${read.text}`).toBe(0);
            }
          }
          const theirs = await registry.image(`theirs/key-${version}`);
          const silent =
            version === 'cosign3'
              ? ['--signing-config', join(bench.data, 'signing_config.none.json'), ...rootFlags(bench)]
              : ['--tlog-upload=false'];
          for (const words of [['sign'], ['attest', '--type', predicateType, '--predicate', 'review.json']]) {
            const wrote = await cosign(
              version,
              bench,
              ...words,
              '--yes',
              '--key',
              key,
              ...silent,
              theirs.reference,
            );
            expect(wrote.code, wrote.text).toBe(0);
          }
          for (const { reference } of [mine, theirs]) {
            const check = {
              image: reference,
              env: {},
              predicateTypes: [predicateType],
              local: { folder: bench.data },
            };
            expect((await verifyImage({ ...check, keys: [pub] })).verdict).toBe('accepted');
          }
        },
      );
    }

    for (const [ci, env] of [
      ['github', githubEnvironment],
      ['gitlab', gitlabEnvironment],
    ] as const) {
      it.skipIf(label('cosign2', 'cosign3') !== '')(
        `both cosigns accept our provenance of ${ci} as slsaprovenance1${label('cosign2', 'cosign3')}`,
        async () => {
          const { reference } = await registry.image(`ours/provenance-${ci}`);
          const record = bench.write(`record-${ci}.json`, buildRecord);
          const provenance = await makeProvenance({
            ci,
            env: env(bench),
            record,
            cwd: bench.folder,
            version: '1.0.0',
          });
          const file = bench.write(`provenance-${ci}.json`, provenance);
          await attestImage({ ...ours(reference), predicates: [{ type: 'slsaprovenance1', file }] });
          for (const { version, flags } of readers) {
            const read = await cosign(
              version,
              bench,
              'verify-attestation',
              '--type',
              'slsaprovenance1',
              ...flags(bench),
              ...identityFlags(bench),
              reference,
            );
            expect(read.code, read.text).toBe(0);
          }
        },
      );
    }

    it.skipIf(label('oras', 'crane') !== '')(
      `oras and crane see what refers to the image${label('oras', 'crane')}`,
      async () => {
        const { reference, digest } = await registry.image('ours/seen');
        await signImage(ours(reference));
        await attestImage(withPredicate(reference));
        const found = await peer('oras', 'discover', '--plain-http', '--format', 'json', reference);
        expect(found).toContain('application/vnd.dev.sigstore.bundle.v0.3+json');
        expect(JSON.parse(found).referrers ?? JSON.parse(found).manifests).toHaveLength(2);
        const tags = await peer('crane', 'ls', '--insecure', `${registry.host}/ours/seen`);
        const prefix = digest.replace(':', '-');
        expect(tags.split('\n')).toEqual(expect.arrayContaining([`${prefix}.sig`, `${prefix}.att`]));
        if (program !== undefined) {
          const index = JSON.parse(
            await peer('crane', 'manifest', '--insecure', `${registry.host}/ours/seen:${prefix}`),
          );
          expect(index.manifests.map((entry: { artifactType: string }) => entry.artifactType)).toEqual(
            Array(2).fill('application/vnd.dev.sigstore.bundle.v0.3+json'),
          );
        }
      },
    );
  });
}

async function expectAccepted(
  version: CosignVersion,
  reference: string,
  flags: readonly string[],
  type: readonly string[],
): Promise<void> {
  for (const words of [['verify'], ['verify-attestation', ...type]]) {
    const read = await cosign(version, bench, ...words, ...flags, ...identityFlags(bench), reference);
    expect(read.code, read.text).toBe(0);
    const wrong = await cosign(
      version,
      bench,
      ...words,
      ...flags,
      ...identityFlags(bench, 'https://github.com/example/other'),
      reference,
    );
    expect(wrong.code).not.toBe(0);
  }
}

async function peer(name: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run({
    program: findPeer(name) ?? name,
    args,
    timeLimit: 30_000,
    env: { HOME: bench.folder, PATH: '' },
  });
  expect(code, stderr.toString()).toBe(0);
  return stdout.toString();
}
