import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imagesOfManifests } from '../../src/delivery/gitops/rendered-images.ts';
import { showEnvironments, type WhereMatrix } from '../../src/workflow/show-environments.ts';
import type { ToldStory } from '../../src/workflow/up/story/tell-story.ts';
import { workflows } from '../../src/workflow/up/story/workshop.ts';
import { cosign, identityFlags, readers } from '../cosign.ts';
import { findPeer } from '../peers.ts';
import type { SigningBench } from '../signing-place.ts';
import { openStoryBench, type StoryBench } from '../story-bench.ts';

// The Git server is in this process: nothing may block it.
const execute = promisify(execFile);
let bench: StoryBench;
let told: ToldStory;
let matrix: WhereMatrix;

beforeAll(async () => {
  bench = await openStoryBench();
  told = await bench.tell();
  matrix = await showEnvironments({
    cwd: join(bench.folder, 'story', 'shop'),
    env: { PATH: process.env['PATH'] },
  });
}, 60_000);
afterAll(async () => {
  await told.git.close();
  await bench.close();
});

function inProduction(): readonly string[] {
  return matrix.services.flatMap(({ cells }) =>
    cells
      .filter(({ environment }) => environment === 'prod')
      .map(({ image, digest }) => `${image}@${digest}`),
  );
}

describe('what the story leaves behind', () => {
  it.skipIf(findPeer('kustomize58') === undefined)(
    'renders in kustomize exactly to the digests that were promoted [needs kustomize58]',
    async () => {
      const clone = join(bench.folder, 'clone');
      await execute('git', ['clone', '--quiet', `${told.git.url}/config.git`, clone]);
      const { stdout } = await execute(findPeer('kustomize58') ?? '', [
        'build',
        join(clone, 'overlays/prod'),
      ]);
      const digests = imagesOfManifests(stdout).map(image => image.replace(/:1\.0@/, '@'));
      expect(digests).toEqual([...inProduction()].sort());
      expect(digests).toHaveLength(4);
    },
  );

  it.each(readers.filter(({ version }) => findPeer(version) !== undefined))(
    'verifies in real $version, as $form [needs cosign2 cosign3]',
    async ({ version, flags }) => {
      const { folder, sigstore } = bench;
      const place = {
        folder,
        data: sigstore.folder,
        identity: { issuer: sigstore.issuer, subject: '' },
      } as SigningBench;
      for (const image of inProduction()) {
        const forge = /catalog|cart/.test(image) ? 'github' : 'gitlab';
        const { code, text } = await cosign(
          version,
          place,
          'verify',
          '--allow-insecure-registry',
          ...flags(place),
          ...identityFlags(place, workflows[forge]),
          image,
        );
        expect({ image, code, text: code === 0 ? '' : text }).toEqual({ image, code: 0, text: '' });
      }
    },
    60_000,
  );
});
