import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import type { Clock } from '../model/clock.ts';
import type { Forge } from '../model/forge.ts';
import type { Verdict } from '../model/verdict.ts';
import { type BuildImageOptions, type BuiltImage, buildImage } from './build-image.ts';
import { copyImage } from './copy-image.ts';
import type { SigningChoice } from './evidence/signing-place.ts';
import { type GateImagesOptions, gateImage } from './gate-image.ts';
import { listContents } from './list-contents.ts';
import { makeProvenance } from './make-provenance.ts';
import { type FoundOut, proveImage } from './prove-image.ts';
import type { ReachOptions } from './reach-registries.ts';
import { type ScanImage, type ScannedWithRuns, scanImage } from './scan-image.ts';

type Own = keyof ReachOptions | 'cwd' | 'clock' | 'version' | 'env';

export interface ReleaseImageOptions extends ReachOptions {
  readonly cwd: string;
  readonly clock: Clock;
  readonly version: string;
  readonly build: Omit<BuildImageOptions, Own | 'record'>;
  readonly scan: Omit<ScanImage, Own | 'target'>;
  readonly signing: Omit<SigningChoice, 'env' | 'clock'>;
  /** The policy that whoever takes the image asks; the same file, so that nothing is found out only there. */
  readonly consumer: Omit<GateImagesOptions, Own | 'images' | 'components'> & {
    readonly source?: { readonly url: string; readonly revision: string };
  };
  /** Where it was built; without it what the environment says. */
  readonly ci?: Forge | 'local';
  /** Set last, on what passed everything. */
  readonly tag?: string;
  readonly onStage?: (stage: ReleaseStage, detail: string) => void;
}

export type ReleaseStage = 'build' | 'scan' | 'attest' | 'verify' | 'tag';

export interface ReleasedImage {
  /** `released`, or the stage that said no: then the digest has no tag. */
  readonly outcome: 'released' | 'scan' | 'verify';
  readonly image: string;
  readonly digest: string;
  readonly built: BuiltImage;
  readonly scanned: ScannedWithRuns;
  readonly verdict?: Verdict;
  readonly tagged?: string;
}

/**
 * Releases a verified image: built and pushed by digest without a tag, that digest scanned, then attested and
 * signed, verified as its consumer will, and only then tagged.
 */
export async function releaseImage(o: ReleaseImageOptions): Promise<ReleasedImage> {
  const folder = await mkdtemp(join(tmpdir(), 'cg-release-'));
  try {
    const record = join(folder, 'build.json');
    const built = await buildImage({ ...o, ...o.build, record });
    o.onStage?.('build', `${built.image}, by the ${built.builder.driver} builder`);
    const scanned = await scanImage({
      ...o,
      ...o.scan,
      target: built.image,
      ...(built.base !== undefined && { base: built.base }),
    });
    o.onStage?.('scan', scanned.verdict.status);
    const { image, digest } = built;
    if (scanned.verdict.status !== 'allow') return { outcome: 'scan', image, digest, built, scanned };
    await prove(o, built, scanned, record);
    const { source, ...consumer } = o.consumer;
    const verdict = await gateImage({
      ...o,
      ...consumer,
      reference: image,
      ...(source !== undefined && { source }),
    });
    o.onStage?.('verify', verdict.decision);
    if (verdict.decision !== 'allow') return { outcome: 'verify', image, digest, built, scanned, verdict };
    if (o.tag === undefined) return { outcome: 'released', image, digest, built, scanned, verdict };
    const tagged = `${image.replace(/@.*$/, '')}:${o.tag}`;
    await copyImage({ ...o, source: image, target: tagged, evidence: false });
    o.onStage?.('tag', tagged);
    return { outcome: 'released', image, digest, built, scanned, verdict, tagged };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Everything that was found out, and the signature, for each digest under one certificate. */
async function prove(
  o: ReleaseImageOptions,
  built: BuiltImage,
  scanned: ScannedWithRuns,
  record: string,
): Promise<void> {
  const provenance = await makeProvenance({ ...o, record, ...(o.ci !== undefined && { ci: o.ci }) });
  const [repository] = built.image.split('@');
  const images: FoundOut[] = [];
  for (const { digest, platform } of built.platforms) {
    const at = scanned.reports.findIndex(({ subject }) => subject.digest === digest);
    const report = scanned.reports[at];
    if (report === undefined)
      throw new Fault('BUG', { what: `nobody scanned ${platform}`, where: `${repository}@${digest}` });
    const inventory = await listContents({ ...o, target: `${repository}@${digest}` });
    images.push({ digest, inventory, report, runs: scanned.runs[at] ?? [] });
  }
  await proveImage({
    ...o,
    ...o.signing,
    image: built.image,
    provenance,
    images,
    sboms: true,
    sign: true,
    onProven: (digest, { predicateTypes, signer }) => {
      const { platform = 'the index' } = built.platforms.find(one => one.digest === digest) ?? {};
      o.onStage?.(
        'attest',
        `${platform}: ${predicateTypes.length} statements and the signature, as ${describe(signer)}`,
      );
    },
  });
}

function describe(signer: {
  readonly kind: string;
  readonly subject?: string;
  readonly keyId?: string;
}): string {
  return signer.subject ?? signer.keyId ?? signer.kind;
}
