import { basename, join } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import { writeFileAtomically } from '../ground/store/atomic-file.ts';
import { makeFolder } from '../ground/store/make-folder.ts';
import { readRegularFile } from '../ground/store/regular-file.ts';
import { isMissing } from '../ground/store/write-fault.ts';
import { fileDigest, findProgram, thisPlatform } from '../risk/tools/find-tool.ts';
import {
  findDenied,
  type LockedAsset,
  type LockedTool,
  lockedTool,
  runsFrom,
  ToolsLock,
} from '../risk/tools/lock.ts';
import { knownPublisher, type LockableTool, versionInName } from '../risk/tools/publishers.ts';
import { digestInArchive } from './tools/find-in-archive.ts';
import type { ToolPlace } from './tools/find-locked.ts';
import { lockFolder, lockPath, readLock } from './tools/read-lock.ts';
import { largestBundle, publicTrust, refuteSignature } from './tools/tool-signature.ts';

export { type LockableTool, lockableTools } from '../risk/tools/publishers.ts';

export interface LockToolOptions extends ToolPlace {
  readonly tool: LockableTool;
  /** The file of the release, a tar.gz or the program; the program on the PATH without it. */
  readonly asset?: string;
  /** The Sigstore bundle of the asset. */
  readonly bundle?: string;
  /** Who signs, where that is not known or has changed. */
  readonly issuer?: string;
  readonly identity?: string;
  /** Who answers for it. */
  readonly by?: string;
  /** Why the program is right, where no signature proves it. */
  readonly vouch?: string;
  /** Why it may run before it is old enough. */
  readonly waiveAge?: string;
  readonly version?: string;
  readonly platform?: string;
}

export interface LockedProgram {
  readonly tool: string;
  readonly version: string;
  readonly platform: string;
  /** Of the program: the bytes that may run. */
  readonly digest: string;
  readonly signedBy?: string;
  readonly vouchedBy?: string;
  readonly firstSeen: string;
  readonly runsFrom: string;
  readonly lock: string;
  /** The program on the PATH is another one, and will not run. */
  readonly installed?: string;
}

/** Writes into the lock of tools which bytes of a scanner may run, with what proves that they are the right ones. */
export async function lockTool(o: LockToolOptions): Promise<LockedProgram> {
  const lock = (await readLock(o.cwd)) ?? ToolsLock.parse({ version: 1, tools: {} });
  const platform = o.platform ?? thisPlatform();
  const path = o.asset ?? (await requireProgram(o));
  const version = (o.version ?? versionInName(basename(path)) ?? requireVersion(o)).replace(/^v/, '');
  refuseOddNames(version, platform);
  const denied = findDenied(o.tool, version, lock);
  if (denied !== undefined) throw refuse(o, denied, 'take another release');
  const asset = await describeAsset(path, o.tool);
  const proof = await prove(o, { asset, version, platform });
  const entry = mergeEntry(o, lockedTool(lock, o.tool), { version, platform, asset, proof });
  const next: ToolsLock = { ...lock, tools: { ...lock.tools, [o.tool]: entry } };
  await writeLock(o.cwd, next, proof);
  return await describe(o, entry, { platform, lock: next });
}

/** Both become part of a file's name. */
function refuseOddNames(version: string, platform: string): void {
  if (/^\d[0-9A-Za-z.+-]{0,60}$/.test(version) && /^[a-z0-9]{1,20}\/[a-z0-9]{1,20}$/.test(platform)) return;
  throw new Fault('USAGE', {
    what: 'the version or the platform of the tool is none',
    expected: '--release 0.74.0 and --platform linux/amd64',
    actual: `${version.slice(0, 80)} and ${platform.slice(0, 80)}`,
    next: 'cg tools lock --help',
  });
}

async function requireProgram({ tool, env }: LockToolOptions): Promise<string> {
  const path = await findProgram(tool, env['PATH']);
  if (path !== undefined) return path;
  throw new Fault('FILE_MISSING', {
    what: `${tool} is not installed`,
    where: 'PATH',
    next: `install ${tool}, or name the file of its release with --asset`,
  });
}

function requireVersion({ tool }: LockToolOptions): never {
  throw new Fault('USAGE', {
    what: 'Which release it is cannot be seen, and a program that nobody vouches for is not asked.',
    expected: '--release VERSION, or a file that is named as the release names it',
    next: `add --release with what ${tool} calls its version`,
  });
}

async function describeAsset(path: string, tool: string): Promise<LockedAsset> {
  const program = await readGiven(path, () => digestInArchive(path, tool));
  return { sha256: await fileDigest(path), ...(program !== undefined && { program }) };
}

/** What the user names is there, or it is said that it is not. */
async function readGiven<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new Fault('FILE_MISSING', {
      what: `${path} is not there`,
      where: path,
      next: 'cg tools lock --help',
      cause,
    });
  }
}

type Proof =
  | { readonly vouched: NonNullable<LockedTool['vouched']> }
  | {
      readonly identity: NonNullable<LockedTool['identity']>;
      readonly bundle: Uint8Array;
      /** Its file, below the folder of the lock. */
      readonly file: string;
    };

async function prove(
  o: LockToolOptions,
  { asset, version, platform }: { asset: LockedAsset; version: string; platform: string },
): Promise<Proof> {
  if (o.bundle === undefined)
    return { vouched: { by: o.by ?? requireBy(o), reason: o.vouch ?? requireProof(o) } };
  const identity = publisherOf(o, version);
  const file = o.bundle;
  const bundle = await readGiven(file, () => readRegularFile(file, largestBundle));
  if (bundle === undefined)
    throw refuse(o, `${file} is larger than ${largestBundle} bytes`, 'name the bundle');
  const trust = o.publishers ?? (await publicTrust(o.env));
  const problem = refuteSignature({ bundle, sha256: asset.sha256, identity }, trust, o.clock);
  if (problem !== undefined) {
    throw refuse(o, problem, 'download the file and its bundle again; --identity and --issuer say who signs');
  }
  const name = `${o.tool}-${version}-${platform.replaceAll('/', '-')}.sigstore.json`;
  return { identity, bundle, file: `tools/${name}` };
}

function publisherOf(o: LockToolOptions, version: string): NonNullable<LockedTool['identity']> {
  const known = knownPublisher(o.tool, version);
  const [issuer, san] = [o.issuer ?? known?.issuer, o.identity ?? known?.san];
  if (issuer !== undefined && san !== undefined) return { issuer, san };
  throw new Fault('USAGE', {
    what: `Who signs the releases of ${o.tool} is not known, and anybody can sign.`,
    expected: '--identity and --issuer',
    next: 'see the page of its releases, and add --identity WHO --issuer https://token.actions.githubusercontent.com',
  });
}

function requireProof({ tool }: LockToolOptions): never {
  throw new Fault('USAGE', {
    what: `Nothing says that this is the ${tool} of its publisher.`,
    expected: '--asset and --bundle of a release, or --by WHO --vouch REASON',
    next: `cg tools lock --help`,
  });
}

function requireBy(o: LockToolOptions): never {
  if (o.vouch === undefined && o.waiveAge === undefined) requireProof(o);
  throw new Fault('USAGE', {
    what: 'Who answers for it is not said.',
    expected: '--by WHO',
    next: 'add --by with the team or the person that reviewers can ask',
  });
}

/** What was known of other platforms of the same release stays; the first time it was seen stays with its bytes. */
function mergeEntry(
  o: LockToolOptions,
  old: LockedTool | undefined,
  now: { version: string; platform: string; asset: LockedAsset; proof: Proof },
): LockedTool {
  const { version, platform, proof } = now;
  const same = old?.version === version ? old : undefined;
  const before = same?.assets[platform];
  const isKnown = before?.sha256 === now.asset.sha256 && before.program === now.asset.program;
  const asset = 'file' in proof ? { ...now.asset, bundle: proof.file } : now.asset;
  return {
    version,
    assets: { ...same?.assets, [platform]: asset },
    ...('file' in proof ? { identity: proof.identity } : { vouched: proof.vouched }),
    firstSeen: isKnown && same !== undefined ? same.firstSeen : o.clock.now().toISOString(),
    ...(o.waiveAge !== undefined && { ageWaived: { by: o.by ?? requireBy(o), reason: o.waiveAge } }),
  };
}

async function writeLock(cwd: string, lock: ToolsLock, proof: Proof): Promise<void> {
  const folder = lockFolder(cwd);
  await makeFolder(join(folder, 'tools'));
  if ('file' in proof) await writeFileAtomically(join(folder, proof.file), proof.bundle);
  await writeFileAtomically(lockPath(cwd), `${JSON.stringify(lock, undefined, 2)}\n`);
}

async function describe(
  { tool, env, cwd }: LockToolOptions,
  entry: LockedTool,
  { platform, lock }: { platform: string; lock: ToolsLock },
): Promise<LockedProgram> {
  const asset = entry.assets[platform];
  const sha256 = asset?.program ?? asset?.sha256;
  const path = platform === thisPlatform() ? await findProgram(tool, env['PATH']) : undefined;
  const installed = path === undefined || (await fileDigest(path)) === sha256 ? undefined : path;
  return {
    tool,
    version: entry.version,
    platform,
    digest: `sha256:${sha256}`,
    ...(entry.identity !== undefined && { signedBy: entry.identity.san }),
    ...(entry.vouched !== undefined && { vouchedBy: entry.vouched.by }),
    firstSeen: entry.firstSeen,
    runsFrom: runsFrom(entry, lock).toISOString(),
    lock: lockPath(cwd),
    ...(installed !== undefined && { installed }),
  };
}

function refuse({ tool, asset }: LockToolOptions, actual: string, next: string): Fault {
  return new Fault('TOOL_UNTRUSTED', {
    what: `${tool} was not taken into the lock`,
    where: asset ?? tool,
    actual,
    next,
  });
}
