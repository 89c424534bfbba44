import { resolve } from 'node:path';
import { exitCodes } from '../../../ground/fault/exit-codes.ts';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import { defined } from '../../../model/defined.ts';
import { admissionTargets, generateAdmission } from '../../../workflow/generate-admission.ts';
import { defineCommand } from '../../command.ts';
import { policyFlags } from '../../evidence/policy-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg admission generate --promotion promotion.yaml --repository ghcr.io/shop/web',
      does: 'the same demands for Kubernetes itself, Kyverno and the policy-controller',
    },
    { run: 'cg admission generate --target vap', does: 'digests only, without any product' },
    {
      run: 'cg admission generate --promotion promotion.yaml --repository ghcr.io/shop/web --check',
      does: 'in CI: exit code 1 when the files are not those',
    },
  ],
  about:
    'From the policy that the gate asks. Everything begins by looking only (Audit, warn); nothing is enforced by what is\n' +
    'written here, and each file is simulated before. Patterns are anchored, globs end at the repository, all three lists of a pod are looked at. What the\n' +
    'public Sigstore did not witness needs its own addresses, which you add.',
  flags: {
    name: {
      kind: 'text',
      placeholder: 'NAME',
      brief: 'name of the policies in the cluster',
      fallback: 'cascadeguard',
    },
    target: {
      kind: 'text',
      placeholder: 'TARGET',
      brief: 'what asks in the cluster; all of them without it',
      choices: admissionTargets,
      many: true,
    },
    repository: { kind: 'text', placeholder: 'REPOSITORY', brief: 'images that must be proven', many: true },
    outputDir: {
      kind: 'text',
      placeholder: 'DIR',
      brief: 'where the files go',
      fallback: 'admission',
      complete: 'files',
    },
    check: { kind: 'toggle', brief: 'write nothing; exit code 1 when a file would be different' },
    policy: policyFlags.policy,
    promotion: policyFlags.promotion,
  },
  async run({ flags }, context) {
    const targets = flags.target.length === 0 ? admissionTargets : flags.target;
    const inside = (file: string | undefined) =>
      file === undefined ? undefined : resolve(context.cwd, file);
    const result = await generateAdmission({
      cwd: context.cwd,
      name: flags.name,
      targets,
      repositories: flags.repository,
      outputFolder: flags.outputDir,
      check: flags.check,
      ...defined({ policy: inside(flags.policy), promotion: inside(flags.promotion) }),
    });
    // Whoever only checks has read them when he generated.
    if (!flags.check)
      for (const text of result.notes) context.progress({ type: 'note', level: 'warning', text });
    return { result, exit: result.differs ? exitCodes.deny : exitCodes.done };
  },
  text: ({ files }) =>
    files
      .map(({ path, status, simulated }) => {
        const note = simulated ? '' : '  (not simulated: nobody can be made up who matches these identities)';
        return `${status.padEnd(9)}  ${escapeLine(path)}${note}`;
      })
      .join('\n'),
});
