import { resolve } from 'node:path';
import { defined } from '../../../model/defined.ts';
import { readReference } from '../../../workflow/ci/handover.ts';
import { attestStage } from '../../../workflow/ci/prove/attest-stage.ts';
import { defineCommand } from '../../command.ts';
import { signingFlags } from '../../evidence/signing-flags.ts';
import { stageSigning } from '../../evidence/stage-signing.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';
import { renderSigned } from '../../show/signed.ts';
import { judgedScanFlags, stageReference } from '../../stage-flags.ts';
import { version } from '../../version.ts';

export const command = defineCommand({
  examples: [{ run: 'cg ci attest @.cg/build.json --scan .cg/scan', does: 'in the job that signs' }],
  about:
    'Provenance from the record of the build, and SBOMs and scans from the folder of the scan. The record is in the @FILE,\n' +
    'or in CG_BUILD_RECORD. Whatever is about another digest is refused, and so is a record of an enrolled image that is not\n' +
    'what this checkout would build, or whose times cannot be: exit code 4. Of an image that images.yaml does not have its\n' +
    'inputs are not attested. A job that would sign as somebody whom policy.yaml\n' +
    '(or promotion.yaml) does not expect is stopped before anything is logged: exit code 4.',
  args: [stageReference],
  flags: {
    scan: judgedScanFlags.scan,
    build: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'what cg ci build left, when it is not the @FILE',
      complete: 'files',
    },
    db: judgedScanFlags.db,
    ...imagesFlags,
    ...signingFlags,
  },
  async run({ flags, args: [text = ''] }, context) {
    const image = await readReference(text, context.cwd);
    const result = await attestStage({
      ...(await stageSigning(image, flags, context)),
      ...fleetPlace(flags, context),
      scan: flags.scan,
      version,
      ...defined({
        database: flags.db === undefined ? undefined : resolve(context.cwd, flags.db),
        build: flags.build ?? (text.startsWith('@') ? text.slice(1) : undefined),
      }),
    });
    return { result };
  },
  text: result => renderSigned(result, 'attested'),
});
