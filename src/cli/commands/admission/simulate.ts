import { resolve } from 'node:path';
import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { Style } from '../../../ground/terminal/style.ts';
import {
  type SimulatedAdmission,
  type SimulatedPod,
  simulateAdmission,
} from '../../../workflow/simulate-admission.ts';
import { defineCommand } from '../../command.ts';
import { localPlace } from '../../evidence/local-flags.ts';
import { policyFlags } from '../../evidence/policy-flags.ts';
import { resolveNamed } from '../../evidence/trust-flags.ts';
import { reachOptions, registryFlags } from '../../registry-flags.ts';

const { trustedRoot, allowStaleRoot, allowLocalTrust, project, sigstoreData } = policyFlags;

export const command = defineCommand({
  examples: [
    {
      run: 'cg admission simulate admission/*.yaml',
      does: 'do the policies answer to known pods as they should?',
    },
    {
      run: 'cg admission simulate admission/*.yaml --pods rendered.yaml',
      does: 'what would a cluster say to these workloads, with the evidence that their registries hold?',
    },
    {
      run: 'cg admission simulate admission/*.yaml --pods rendered.yaml --evidence verdict.json',
      does: 'the same with the evidence that cg gate --record kept',
    },
  ],
  about:
    'Evaluates exactly the files: the expressions of Kubernetes and Kyverno, and what cg generates for the policy-controller.\n' +
    'Anything else in them is refused by name (exit code 2), never guessed. Exit code 0: every pod is admitted, or the built-in\n' +
    'pods get the answers that they should. 1: not so. 3: evidence could not be read.',
  args: [
    {
      name: 'FILE',
      brief: 'a policy that cg admission generate wrote',
      required: true,
      many: true,
      complete: 'files',
    },
  ],
  flags: {
    pods: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'manifests of pods and workloads; a built-in set without it',
      many: true,
      complete: 'files',
    },
    evidence: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'a record of cg gate, instead of asking registries',
      many: true,
      complete: 'files',
    },
    trustedRoot,
    allowStaleRoot,
    allowLocalTrust,
    project,
    sigstoreData,
    ...registryFlags,
  },
  async run({ flags, args }, context) {
    const result = await simulateAdmission({
      ...(await reachOptions(flags, context)),
      cwd: context.cwd,
      files: args,
      pods: flags.pods,
      evidence: flags.evidence.map(file => resolve(context.cwd, file)),
      trustedRoots: flags.trustedRoot.map(text => resolveNamed(text, context.cwd)),
      allowStaleRoot: flags.allowStaleRoot,
      allowLocalTrust: flags.allowLocalTrust,
      local: localPlace(flags, context),
      clock: context.clock,
      onWarning: text => context.progress({ type: 'note', level: 'warning', text }),
    });
    return { result, exit: result.exit };
  },
  text: renderSimulation,
});

function renderSimulation({ rules, pods, builtIn, holds, notes }: SimulatedAdmission, style: Style): string {
  const admitted = pods.filter(({ verdict }) => verdict === 'admitted').length;
  const summary = builtIn
    ? `${pods.length} built-in pods: ${holds ? 'every policy answers as it should' : 'a policy does not answer as it should'}`
    : `${admitted} of ${pods.length} pods would be admitted`;
  return [
    ...rules
      .map(({ kind, name, actions, file }) => `${kind} ${name} (${actions.join(', ')})  ${file}`)
      .map(escapeLine),
    '',
    ...pods.flatMap(pod => renderPod(pod, style)),
    '',
    holds ? style.green(summary) : style.red(summary),
    ...notes.map(note => `  ${note}`),
  ].join('\n');
}

function renderPod({ pod, verdict, answers }: SimulatedPod, style: Style): string[] {
  const mark = {
    admitted: style.green('admitted'),
    refused: style.red('refused '),
    unknown: style.yellow('unknown '),
  };
  const lines = answers.flatMap(({ rule, reasons, verdict: got, expected }) => {
    const isWrong = expected !== undefined && expected !== got;
    const wrong = isWrong ? [style.red(`    ${rule}: ${got}, and should be ${expected}`)] : [];
    const said = got === 'refused' || got === 'unknown' ? reasons.slice(0, 5) : [];
    return [...wrong, ...said.map(reason => `    ${escapeLine(rule)}: ${escapeLine(reason)}`)];
  });
  return [`${mark[verdict]}  ${escapeLine(pod)}`, ...lines];
}
