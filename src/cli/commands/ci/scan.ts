import { resolve } from 'node:path';
import { exitCodes } from '../../../ground/fault/exit-codes.ts';
import { stage } from '../../../ground/progress/progress.ts';
import { defined } from '../../../model/defined.ts';
import { scanStage } from '../../../workflow/ci/scan/scan-stage.ts';
import { defineCommand } from '../../command.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';
import { databaseFlag, stageReference } from '../../stage-flags.ts';
import { version } from '../../version.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg ci scan "$REF" --image api --sbom --out .cg/scan',
      does: 'in a job that can neither push nor sign',
    },
  ],
  about:
    'Exit code 0 also when something was found: cg ci gate decides. 3: no verdict, because a scanner or its data could not\n' +
    'be had. 4: because something cannot be trusted. What counts is "scan" in .cascadeguard.yaml.',
  args: [stageReference],
  flags: {
    image: { kind: 'text', placeholder: 'NAME', brief: 'its name in images.yaml', required: true },
    sbom: { kind: 'toggle', brief: 'also list what is in it: SPDX and CycloneDX' },
    gitlabReports: { kind: 'toggle', brief: 'also what GitLab shows: container scanning and JUnit' },
    out: {
      kind: 'text',
      placeholder: 'FOLDER',
      brief: 'where everything goes',
      required: true,
      complete: 'files',
    },
    db: databaseFlag,
    ...registryFlags,
  },
  async run({ flags, args: [target = ''] }, context) {
    const reach = await reachOptions(flags, context);
    const folder = await stage(context.progress, `scan ${target}`, () =>
      scanStage({
        ...reach,
        env: context.env,
        target,
        cwd: context.cwd,
        clock: context.clock,
        version,
        image: flags.image,
        sbom: flags.sbom,
        gitlabReports: flags.gitlabReports,
        out: flags.out,
        ...defined({ database: flags.db === undefined ? undefined : resolve(context.cwd, flags.db) }),
      }),
    );
    const isOpen = folder.status === 'indeterminate';
    return {
      result: folder,
      exit: !isOpen ? exitCodes.done : folder.cause === 'trust' ? exitCodes.trust : exitCodes.remote,
    };
  },
  text: ({ ref, status, files }) =>
    [`${status}  ${ref}`, ...Object.keys(files).map(name => `  ${name}`)].join('\n'),
});
