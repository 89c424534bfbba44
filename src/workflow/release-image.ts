import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import type { Verdict } from '../model/verdict.ts';
import { attestImage, type PredicateFile } from './attest-image.ts';
import { type BuildImageOptions, type BuiltImage, buildImage } from './build-image.ts';
import { copyImage } from './copy-image.ts';
import type { SigningChoice } from './evidence/signing-place.ts';
import { type GateImagesOptions, gateImage } from './gate-image.ts';
import { listContents, writeCycloneDx, writeSpdx } from './list-contents.ts';
import { makeProvenance } from './make-provenance.ts';
import type { ReachOptions } from './reach-registries.ts';
import { type ScanImage, type ScannedWithRuns, scanImage, writeCosignVuln } from './scan-image.ts';

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
  readonly ci?: 'github' | 'gitlab' | 'local';
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
    await attest(o, built, scanned, folder, record);
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

/** Everything that was found out, and the signature, under one certificate. */
async function attest(
  o: ReleaseImageOptions,
  built: BuiltImage,
  scanned: ScannedWithRuns,
  folder: string,
  record: string,
): Promise<void> {
  const provenance = await makeProvenance({ ...o, record, ...(o.ci !== undefined && { ci: o.ci }) });
  const shared = [{ type: 'slsaprovenance1', value: provenance as object }];
  const isIndex = built.platforms.length > 1;
  for (const [at, { platform, digest }] of built.platforms.entries()) {
    const image = `${built.image.replace(/@.*$/, '')}@${digest}`;
    const statements = [...(isIndex ? [] : shared), ...(await statementsOf(o, image, at, scanned))];
    const predicates = await writePredicates(folder, `${at}`, statements);
    const signed = await attestImage({ ...o, ...o.signing, image, predicates, sign: true });
    o.onStage?.(
      'attest',
      `${platform}: ${signed.predicateTypes.length} statements and the signature, as ${describe(signed.signer)}`,
    );
  }
  if (!isIndex) return;
  const predicates = await writePredicates(folder, 'index', shared);
  await attestImage({ ...o, ...o.signing, image: built.image, predicates, sign: true });
  o.onStage?.('attest', 'the index: provenance and the signature');
}

interface Statement {
  readonly type: string;
  readonly value: object;
}

/** What is known of one platform: its contents in both forms, and what each engine said. */
async function statementsOf(
  o: ReleaseImageOptions,
  image: string,
  at: number,
  scanned: ScannedWithRuns,
): Promise<readonly Statement[]> {
  const inventory = await listContents({ ...o, target: image });
  const report =
    scanned.reports.find(({ subject }) => image.endsWith(subject.digest ?? ' ')) ?? scanned.reports[at];
  const scans =
    report === undefined ? [] : writeCosignVuln(report, scanned.runs[scanned.reports.indexOf(report)]);
  return [
    { type: 'spdxjson', value: parse(writeSpdx(inventory, { version: o.version })) },
    { type: 'cyclonedx', value: parse(writeCycloneDx(inventory, { version: o.version })) },
    ...scans.map(value => ({ type: 'vuln', value })),
  ];
}

async function writePredicates(
  folder: string,
  name: string,
  statements: readonly Statement[],
): Promise<PredicateFile[]> {
  const files: PredicateFile[] = [];
  for (const [at, { type, value }] of statements.entries()) {
    const file = join(folder, `${name}-${at}.json`);
    await writeFile(file, JSON.stringify(value), { mode: 0o600 });
    files.push({ type, file });
  }
  return files;
}

function parse(text: string): object {
  return JSON.parse(text) as object;
}

function describe(signer: {
  readonly kind: string;
  readonly subject?: string;
  readonly keyId?: string;
}): string {
  return signer.subject ?? signer.keyId ?? signer.kind;
}
