import { resolve } from 'node:path';
import { exitCodes } from '../../ground/fault/exit-codes.ts';
import { redact } from '../../ground/fault/redact.ts';
import { stage } from '../../ground/progress/progress.ts';
import { formatCount } from '../../ground/terminal/amounts.ts';
import { examine } from '../../workflow/doctor/examine.ts';
import { defineCommand } from '../command.ts';
import { completeLoginHost, registryFlags } from '../registry-flags.ts';
import { renderFindings } from '../show/findings.ts';

const { insecure, ca } = registryFlags;

export const command = defineCommand({
  examples: [
    { run: 'cg doctor', does: 'what this machine has, what it lacks, and how to mend it' },
    { run: 'cg doctor --registry ghcr.io', does: 'also ask this registry' },
    { run: 'cg doctor --offline --output json', does: 'for a support ticket; nothing secret is in it' },
  ],
  about: 'It only reads. Exit code 1 when something is broken; what is merely absent is not.',
  flags: {
    registry: {
      kind: 'text',
      placeholder: 'HOST',
      brief: 'ask this registry too',
      complete: completeLoginHost,
      many: true,
    },
    insecure,
    ca,
  },
  async run({ flags }, context) {
    const { env, cwd, clock, offline, signal } = context;
    const machine = {
      env,
      cwd,
      clock,
      offline,
      signal,
      registries: flags.registry,
      insecureRegistries: flags.insecure,
      caFiles: flags.ca.map(file => resolve(cwd, file)),
    };
    const found = await stage(context.progress, 'look at this machine', () => examine(machine));
    const findings = found.map(finding => ({ ...finding, found: redact(finding.found) }));
    const broken = findings.filter(finding => finding.health === 'broken').length;
    return { result: { findings, broken }, exit: broken > 0 ? exitCodes.deny : exitCodes.done };
  },
  text: ({ findings, broken }, style) =>
    `${renderFindings(findings, style)}\n\n${broken === 0 ? 'nothing is broken' : `${formatCount(broken, 'check')} failed`}`,
});
