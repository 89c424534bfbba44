import { resolve } from 'node:path';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { defined } from '../../../model/defined.ts';
import {
  type LockableTool,
  type LockedProgram,
  lockableTools,
  lockTool,
} from '../../../workflow/lock-tool.ts';
import { defineCommand } from '../../command.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg tools lock trivy --asset trivy_0.74.0_Linux-64bit.tar.gz --bundle trivy_0.74.0_Linux-64bit.tar.gz.sigstore.json',
      does: 'a release that its publisher signed: file and bundle from the page of the release',
    },
    {
      run: 'cg tools lock grype --release 0.104.0 --by team-platform --vouch "checksums of the release verified"',
      does: 'the program on the PATH, for which somebody answers',
    },
    {
      run: 'cg tools lock trivy --asset trivy.tar.gz --bundle trivy.sigstore.json --by me --waive-age "fixes CVE-2026-1"',
      does: 'without the wait of a week, and why',
    },
  ],
  about:
    'Writes .cascadeguard/tools.lock.json, which belongs into Git. A scanner runs only when its bytes are those of the lock, its\n' +
    'signature (or somebody) vouches for them, and they were first seen a week ago (minAge): what was stolen is found out in days.',
  args: [{ name: 'TOOL', brief: lockableTools.join(' or '), required: true, choices: lockableTools }],
  flags: {
    asset: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'the file of the release; the program on the PATH without it',
      complete: 'files',
    },
    bundle: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'its Sigstore bundle, copied beside the lock',
      complete: 'files',
    },
    identity: { kind: 'text', placeholder: 'WHO', brief: 'who signs it (default: known for trivy)' },
    issuer: {
      kind: 'text',
      placeholder: 'URL',
      brief: 'who vouches for the signer (default: known for trivy)',
    },
    by: { kind: 'text', placeholder: 'WHO', brief: 'who answers for --vouch and --waive-age' },
    vouch: { kind: 'text', placeholder: 'REASON', brief: 'instead of a bundle: how it was checked' },
    waiveAge: { kind: 'text', placeholder: 'REASON', brief: 'run it before it is old enough' },
    release: {
      kind: 'text',
      placeholder: 'VERSION',
      brief: 'its version (default: what the name of the file says)',
    },
    platform: { kind: 'text', placeholder: 'OS/ARCH', brief: 'for another platform than this one' },
  },
  async run({ flags, args: [name = ''] }, context) {
    const file = (path: string | undefined) => (path === undefined ? undefined : resolve(context.cwd, path));
    const result = await lockTool({
      tool: name as LockableTool,
      cwd: context.cwd,
      env: context.env,
      clock: context.clock,
      ...defined({
        asset: file(flags.asset),
        bundle: file(flags.bundle),
        identity: flags.identity,
        issuer: flags.issuer,
        by: flags.by,
        vouch: flags.vouch,
        waiveAge: flags.waiveAge,
        version: flags.release,
        platform: flags.platform,
      }),
    });
    if (result.installed !== undefined) {
      context.say(
        `${escapeLine(result.installed)} is another program and will not run; install the one of this release`,
      );
    }
    return { result };
  },
  text: renderLocked,
});

function renderLocked(o: LockedProgram): string {
  const why = o.signedBy === undefined ? `${o.vouchedBy} vouches for it` : `signed by ${o.signedBy}`;
  return [
    `${o.tool} ${o.version} for ${o.platform}: ${o.digest}`,
    `  ${why}`,
    `  may run from ${o.runsFrom} (first seen ${o.firstSeen})`,
    `  written to ${o.lock}`,
  ]
    .map(line => escapeLine(line))
    .join('\n');
}
