import type { Finished } from '../../../ground/process/run.ts';
import type { FoundTool } from '../../tools/find-tool.ts';
import { findDenied } from '../../tools/lock.ts';
import { Sandbox } from '../../tools/sandbox.ts';
import { EngineFailure, type EngineOptions, type EngineReport, type ScanTarget } from '../engine.ts';

export interface ExternalOptions {
  readonly tool: FoundTool;
  /** Run it although the lock does not vouch for it. */
  readonly allowUnverified: boolean;
}

/** What one program needs: what to call, and how to read what it wrote. */
export interface ProgramCall {
  readonly name: string;
  /** Brings in what it reads, and gives its arguments and variables. */
  prepare(sandbox: Sandbox, target: ScanTarget): Promise<{ args: string[]; env?: Record<string, string> }>;
  parse(json: unknown, target: ScanTarget): EngineReport;
}

const reportFile = 'report.json';
const largestReport = 512 * 1024 * 1024;

/** Before anything else is asked of a program: may it run at all? */
export function checkTrust({ tool, allowUnverified }: ExternalOptions): void {
  const { trust, digest } = tool;
  if (trust.trust === 'denied' || (trust.trust === 'unverified' && !allowUnverified)) {
    throw new EngineFailure('untrusted-binary', trust.reason, { binaryDigest: digest });
  }
}

/** Runs a scanner that is not ours to a report that is believed for what it says, never for how the program ended. */
export async function runProgram(
  call: ProgramCall,
  options: ExternalOptions,
  target: ScanTarget,
  o: EngineOptions,
): Promise<EngineReport> {
  checkTrust(options);
  const { tool } = options;
  const known: Partial<EngineReport> = { binaryDigest: tool.digest };
  const sandbox = await Sandbox.open(tool.path, o);
  try {
    const { args, env } = await call.prepare(sandbox, target);
    const argv = [call.name, ...args].map(word => nameless(word, sandbox, target));
    const finished = await runLimited(sandbox, { args, env }, o, { ...known, argv });
    const raw = await sandbox.read(reportFile, largestReport);
    const report = parseReport(call, raw, finished, target, { ...known, argv });
    const denied = findDenied(call.name, report.version, undefined);
    if (denied !== undefined) throw new EngineFailure('untrusted-binary', denied, known);
    return {
      ...report,
      ...known,
      argv,
      ...(tool.trust.trust !== 'verified' && { unverified: true as const }),
    };
  } finally {
    await sandbox.close();
  }
}

/** Folders that are made for one scan have other names in the next; equal scans shall give equal reports. */
function nameless(word: string, sandbox: Sandbox, { layout }: ScanTarget): string {
  const apart = word.replaceAll(sandbox.folder, 'SANDBOX');
  return layout === undefined ? apart : apart.replaceAll(layout.folder, 'IMAGE');
}

export function reportPath(sandbox: Sandbox): string {
  return `${sandbox.out}/${reportFile}`;
}

async function runLimited(
  sandbox: Sandbox,
  call: { args: string[]; env: Record<string, string> | undefined },
  o: EngineOptions,
  known: Partial<EngineReport>,
): Promise<Finished> {
  const started = performance.now();
  try {
    const finished = await sandbox.run({
      args: call.args,
      timeLimit: o.timeLimit,
      ...(call.env !== undefined && { env: call.env }),
      ...(o.signal !== undefined && { signal: o.signal }),
    });
    // 128 + 9 and 128 + 15 are what wrappers say of a program that was killed.
    if (finished.code === undefined || finished.code === 137 || finished.code === 143) {
      throw new EngineFailure('error', 'it was killed before it was done', known);
    }
    return finished;
  } catch (error) {
    o.signal?.throwIfAborted();
    if (error instanceof EngineFailure) throw error;
    const isLate = performance.now() - started >= o.timeLimit;
    throw new EngineFailure(
      isLate ? 'timeout' : 'error',
      error instanceof Error ? error.message : String(error),
      known,
    );
  }
}

function parseReport(
  call: ProgramCall,
  raw: Buffer | undefined,
  { code, stderr }: Finished,
  target: ScanTarget,
  known: Partial<EngineReport>,
): EngineReport {
  if (raw === undefined || raw.length === 0) {
    const said = lastLine(stderr);
    if (code !== 0) throw new EngineFailure('error', `it ended with ${code} and no report${said}`, known);
    throw new EngineFailure('bad-report', `it ended well and wrote no report${said}`, known);
  }
  let json: unknown;
  try {
    json = JSON.parse(raw.toString('utf8'));
  } catch {
    throw new EngineFailure('bad-report', 'what it wrote is not JSON', known);
  }
  try {
    return { ...call.parse(json, target), raw };
  } catch (error) {
    if (error instanceof EngineFailure)
      throw new EngineFailure(error.status, error.message, { ...known, raw });
    throw error;
  }
}

function lastLine(stderr: Buffer): string {
  const lines = stderr
    .toString('utf8')
    .split('\n')
    .filter(line => line.trim() !== '');
  const last = lines.at(-1)?.trim().slice(0, 300);
  return last === undefined ? '' : `: ${last}`;
}
