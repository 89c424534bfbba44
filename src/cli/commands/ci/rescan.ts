import { resolve } from 'node:path';
import { type ExitCode, exitCodes } from '../../../ground/fault/exit-codes.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import { defined } from '../../../model/defined.ts';
import { type RescanReport, rescanStage } from '../../../workflow/ci/rescan/rescan-stage.ts';
import { defineCommand } from '../../command.ts';
import { repositoryFlags, repositoryOptions } from '../../delivery-flags.ts';
import { consumerFlags, consumerOptions } from '../../evidence/consumer-flags.ts';
import { imagesFlags } from '../../images-flags.ts';
import { appendSummary, quoteBlock } from '../../job-summary.ts';
import { renderRescan } from '../../show/rescan.ts';
import { databaseFlag } from '../../stage-flags.ts';
import { version } from '../../version.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg ci rescan --deployed --verify-signatures --from-sbom --out .cg/rescan',
      does: 'every night, in a job that can only read',
    },
  ],
  about:
    'Every digest that an environment of gitops.environments pins, once. New is what neither findings.json in the state folder\n' +
    'nor, before an image stands there, the scan that was attested with it knows. Exit code 0 also when something was found,\n' +
    'or the policy of scans would deny it now: the report says so, and cg ci sarif tells the forge. 3 or 4: an image that is\n' +
    'named could not be verified or scanned; all others were.',
  flags: {
    deployed: { kind: 'toggle', brief: 'what the environments run' },
    verifySignatures: {
      kind: 'toggle',
      brief: 'each must be signed as the policy of its environments demands',
    },
    fromSbom: { kind: 'toggle', brief: 'match the signed SBOMs, and read no image' },
    out: {
      kind: 'text',
      placeholder: 'FOLDER',
      brief: 'where everything goes',
      required: true,
      complete: 'files',
    },
    db: databaseFlag,
    stateDir: imagesFlags.stateDir,
    ...repositoryFlags,
    ...consumerFlags,
  },
  async run({ flags }, context) {
    if (!flags.deployed)
      throw new Fault('USAGE', {
        what: 'nothing says what to scan',
        expected: '--deployed',
        next: `cg ci rescan --deployed --out ${flags.out}`,
      });
    const inside = (path: string | undefined) =>
      path === undefined ? undefined : resolve(context.cwd, path);
    const result = await rescanStage({
      ...(await consumerOptions(flags, context)),
      ...repositoryOptions(flags, context),
      env: context.env,
      clock: context.clock,
      version,
      verifySignatures: flags.verifySignatures,
      fromSbom: flags.fromSbom,
      out: flags.out,
      onImage: image => context.progress({ type: 'detail', text: image }),
      ...defined({ database: inside(flags.db), stateDir: inside(flags.stateDir) }),
    });
    await appendSummary('What runs, scanned again', quoteBlock(renderRescan(result)), context);
    return { result, exit: exitOf(result) };
  },
  text: renderRescan,
});

/** What cannot be trusted is the worse news. */
function exitOf({ images }: RescanReport): ExitCode {
  const causes = images.flatMap(({ problems }) => problems.map(({ cause }) => cause));
  if (causes.length === 0) return exitCodes.done;
  return causes.includes('trust') ? exitCodes.trust : exitCodes.remote;
}
