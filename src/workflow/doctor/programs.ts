import { pickEnvironment } from '../../ground/process/environment.ts';
import { run } from '../../ground/process/run.ts';
import { findProgram } from '../../risk/tools/find-tool.ts';
import { lockableTools } from '../../risk/tools/publishers.ts';
import { findLockedTool } from '../tools/find-locked.ts';
import type { Finding, Machine } from './finding.ts';

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  readonly area: string;
  /** What cg does without it. */
  readonly without: string;
  readonly required?: boolean;
}

const programs: readonly Program[] = [
  {
    name: 'git',
    args: ['--version'],
    area: 'this machine',
    without: 'install git from your system or https://git-scm.com',
    required: true,
  },
  { name: 'trivy', args: ['--version'], area: 'scanners', without: 'optional: https://trivy.dev' },
  {
    name: 'grype',
    args: ['version'],
    area: 'scanners',
    without: 'optional: https://github.com/anchore/grype',
  },
  { name: 'syft', args: ['version'], area: 'scanners', without: 'optional: https://github.com/anchore/syft' },
  {
    name: 'buildah',
    args: ['--version'],
    area: 'builders',
    without: 'optional: your system’s package buildah',
  },
  {
    name: 'docker',
    args: ['--version'],
    area: 'builders',
    without: 'optional: https://docs.docker.com/engine/install',
  },
  { name: 'cosign', args: ['version'], area: 'other tools', without: 'optional: https://docs.sigstore.dev' },
  { name: 'kustomize', args: ['version'], area: 'other tools', without: 'optional: https://kustomize.io' },
];

export async function checkPrograms(machine: Machine): Promise<readonly Finding[]> {
  return await Promise.all(programs.map(program => checkProgram(program, machine)));
}

async function checkProgram(program: Program, machine: Machine): Promise<Finding> {
  const { name, area } = program;
  const path = await findProgram(name, machine.env['PATH']);
  if (path === undefined) {
    return {
      area,
      check: name,
      health: program.required ? 'broken' : 'missing',
      found: 'not on the PATH',
      fix: program.without,
    };
  }
  const forbidden = await findForbidden(name, machine);
  if (forbidden !== undefined) return { area, check: name, ...forbidden };
  try {
    const { code, stdout, stderr } = await run({
      program: path,
      args: program.args,
      env: pickEnvironment(machine.env),
      timeLimit: 10_000,
      outputLimit: 64 * 1024,
      signal: machine.signal,
    });
    if (code === 0)
      return { area, check: name, health: 'ok', found: `${readVersion(stdout.toString())} at ${path}` };
    return {
      area,
      check: name,
      health: 'broken',
      found: `${path} ends with ${code}: ${firstLine(stderr.toString())}`,
      fix: program.without,
    };
  } catch (error) {
    machine.signal.throwIfAborted();
    return {
      area,
      check: name,
      health: 'broken',
      found: error instanceof Error ? error.message : String(error),
      fix: program.without,
    };
  }
}

/** A scanner that the lock does not let run is not asked for its version either. */
async function findForbidden(
  name: string,
  machine: Machine,
): Promise<Omit<Finding, 'area' | 'check'> | undefined> {
  if (!lockableTools.some(tool => tool === name)) return undefined;
  const fix = `cg tools lock ${name}`;
  try {
    const tool = await findLockedTool(name, machine);
    if (tool === undefined || tool.trust.trust === 'verified') return undefined;
    const { trust, reason } = tool.trust;
    const health = trust === 'denied' ? 'broken' : 'missing';
    return { health, found: `${tool.path} may not run: ${reason}`, fix };
  } catch (error) {
    return { health: 'broken', found: error instanceof Error ? error.message : String(error), fix };
  }
}

function readVersion(output: string): string {
  return /\bv?\d+\.\d+(?:\.\d+)?(?:[-+][\w.]+)?/.exec(output)?.[0] ?? firstLine(output);
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.slice(0, 120) ?? '';
}
