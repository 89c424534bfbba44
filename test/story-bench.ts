import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRegistry } from '../src/image/oci/server/start-registry.ts';
import { type ServedSigstore, serveSigstore } from '../src/workflow/serve-sigstore.ts';
import { type ToldStory, tellStory } from '../src/workflow/up/story/tell-story.ts';
import type { StoryEvent } from '../src/workflow/up/story/teller.ts';

export interface StoryBench {
  /** A folder of this bench alone; the story's own is `story` in it. */
  readonly folder: string;
  readonly sigstore: ServedSigstore;
  tell(o?: { readonly example?: string; readonly onEvent?: (event: StoryEvent) => void }): Promise<ToldStory>;
  close(): Promise<void>;
}

/** A registry and a local Sigstore, in which the story can be told as often as one likes. */
export async function openStoryBench(): Promise<StoryBench> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-story-'));
  const registry = await startRegistry({ data: join(folder, 'registry') });
  const sigstore = await serveSigstore({
    project: 'local',
    folder: join(folder, 'sigstore'),
    environment: {},
  });
  return {
    folder,
    sigstore,
    tell: ({ example, onEvent = () => undefined } = {}) =>
      tellStory({
        folder: join(folder, 'story'),
        host: new URL(registry.url).host,
        sigstore: sigstore.folder,
        issuer: sigstore.issuer,
        env: process.env,
        version: 'test',
        signal: new AbortController().signal,
        onEvent,
        ...(example !== undefined && { example }),
      }),
    close: async () => {
      await sigstore.close();
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
