import { forgeOfJob } from '../../../model/forge.ts';
import { type GatedImages, type GateOptions, gateImages } from '../../gate-image.ts';
import { findPolicy } from '../find-policy.ts';
import { digestOf } from '../handover.ts';

export interface VerifyStage extends GateOptions {
  readonly cwd: string;
  readonly ref: string;
  /** It was built from an earlier commit, which its provenance names. */
  readonly isKept?: boolean;
}

/** Judges one digest as whoever takes it will, and demands that it was built from the commit of this job, unless it is kept. */
export async function verifyStage({ ref, isKept, ...o }: VerifyStage): Promise<GatedImages> {
  digestOf(ref);
  const source = isKept === true ? undefined : expectedSource(o.env);
  return await gateImages({
    ...o,
    ...(await findPolicy(o)),
    targets: [{ name: 'image', image: ref, ...(source !== undefined && { source }) }],
    demandSource: source !== undefined,
  });
}

/** What this job has checked out, as its CI says; nothing outside of one. */
export function expectedSource(
  env: VerifyStage['env'],
): { readonly url: string; readonly revision: string } | undefined {
  const forge = forgeOfJob(env);
  if (forge === undefined) return undefined;
  const [url, revision] =
    forge === 'github'
      ? [joinUrl(env['GITHUB_SERVER_URL'], env['GITHUB_REPOSITORY']), env['GITHUB_SHA']]
      : [env['CI_PROJECT_URL'], env['CI_COMMIT_SHA']];
  return url && revision ? { url, revision } : undefined;
}

function joinUrl(server: string | undefined, repository: string | undefined): string | undefined {
  return server && repository ? `${server}/${repository}` : undefined;
}
