import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pickEnvironment } from '../../ground/process/environment.ts';
import { run } from '../../ground/process/run.ts';
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
  const path = await findProgram(name, machine.env);
  if (path === undefined) {
    return {
      area,
      check: name,
      health: program.required ? 'broken' : 'missing',
      found: 'not on the PATH',
      fix: program.without,
    };
  }
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

async function findProgram(name: string, env: Machine['env']): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

function readVersion(output: string): string {
  return /\bv?\d+\.\d+(?:\.\d+)?(?:[-+][\w.]+)?/.exec(output)?.[0] ?? firstLine(output);
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.slice(0, 120) ?? '';
}
