import { z } from 'zod';
import { Fault } from '../../ground/fault/fault.ts';
import { parseDuration } from '../../model/duration.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits');
const time = z.string().refine(text => !Number.isNaN(Date.parse(text)), 'a time');
const Denied = z.strictObject({ tool: z.string(), versions: z.array(z.string()), reason: z.string() });
const Asset = z.strictObject({
  url: z.string().optional(),
  sha256: hex,
  size: z.number().int().nonnegative().optional(),
  /** The Sigstore bundle of the asset: a file beside the lock. */
  bundle: z.string().optional(),
  /** Of the program itself, where the asset is an archive that holds it. */
  program: hex.optional(),
});
const LockedTool = z.strictObject({
  version: z.string(),
  assets: z.record(z.string(), Asset),
  identity: z.strictObject({ issuer: z.string(), san: z.string() }).optional(),
  /** Who checked the program, and how; instead of an identity that signed it. */
  vouched: z.strictObject({ by: z.string().min(1), reason: z.string().min(1) }).optional(),
  firstSeen: time,
  /** Why it may run before it is old enough. */
  ageWaived: z.strictObject({ by: z.string().min(1), reason: z.string().min(1) }).optional(),
});

/** `.cascadeguard/tools.lock.json`: which third-party programs may run. */
export const ToolsLock = z.strictObject({
  version: z.literal(1),
  minAge: z.string().default('7d'),
  tools: z.record(z.string(), LockedTool),
  deny: z.array(Denied).default([]),
});
export type ToolsLock = z.infer<typeof ToolsLock>;
export type LockedTool = z.infer<typeof LockedTool>;
export type LockedAsset = z.infer<typeof Asset>;

/** Releases that are known to be hostile; a lock can add to them and never take one away. */
export const deniedReleases: ToolsLock['deny'] = [
  { tool: 'trivy', versions: ['0.69.4', '0.69.5', '0.69.6'], reason: 'GHSA-69fq-xp46-6x23' },
];

export function readToolsLock(text: string, where: string): ToolsLock {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(where, 'not JSON', cause);
  }
  const parsed = ToolsLock.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(where, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  if ('problem' in parseDuration(parsed.data.minAge)) throw invalid(where, `minAge: ${parsed.data.minAge}`);
  return parsed.data;
}

export type ToolTrust =
  | { readonly trust: 'verified'; readonly version: string }
  | { readonly trust: 'unverified' | 'denied'; readonly reason: string };

export interface ToolFacts {
  readonly tool: string;
  /** Hexadecimal SHA-256 of the program. */
  readonly sha256: string;
  /** `linux/amd64`. */
  readonly platform: string;
  readonly lock: ToolsLock | undefined;
  /** What the lock's signature is worth: why not, when it proves nothing. Asked only where nobody vouches. */
  readonly signature?: { readonly problem: string | undefined };
  readonly now: Date;
}

/** What the lock says of a tool; a name such as "constructor" names none. */
export function lockedTool(lock: ToolsLock | undefined, tool: string): LockedTool | undefined {
  return lock !== undefined && Object.hasOwn(lock.tools, tool) ? lock.tools[tool] : undefined;
}

/** Whether a program may run, from its digest alone: a program that is not trusted is not asked who it is. */
export function judgeTool(o: ToolFacts): ToolTrust {
  const entry = lockedTool(o.lock, o.tool);
  if (entry === undefined || o.lock === undefined) {
    return {
      trust: 'unverified',
      reason: `${o.tool} is not in .cascadeguard/tools.lock.json; cg tools lock ${o.tool} puts it there`,
    };
  }
  const denied = findDenied(o.tool, entry.version, o.lock);
  if (denied !== undefined) return { trust: 'denied', reason: denied };
  const asset = entry.assets[o.platform];
  if (asset === undefined)
    return { trust: 'unverified', reason: `the lock has no ${o.tool} for ${o.platform}` };
  if ((asset.program ?? asset.sha256) !== o.sha256) {
    return {
      trust: 'denied',
      reason: `sha256:${o.sha256} is not the ${o.tool} ${entry.version} of the lock`,
    };
  }
  if (entry.vouched === undefined) {
    const problem = o.signature === undefined ? 'its signature was not looked at' : o.signature.problem;
    if (problem !== undefined)
      return { trust: 'unverified', reason: `nobody vouches for ${o.tool} ${entry.version}: ${problem}` };
  }
  if (o.now < runsFrom(entry, o.lock)) {
    return {
      trust: 'denied',
      reason: `${o.tool} ${entry.version} was first seen ${entry.firstSeen}, less than ${o.lock.minAge} ago`,
    };
  }
  return { trust: 'verified', version: entry.version };
}

/** From when on a tool is old enough to run: what was stolen is often found out within days. */
export function runsFrom(entry: LockedTool, { minAge }: ToolsLock): Date {
  const first = Date.parse(entry.firstSeen);
  const wait = parseDuration(minAge);
  return new Date(entry.ageWaived === undefined && 'value' in wait ? first + wait.value : first);
}

/** Why a release must not run; undefined when nothing is known against it. */
export function findDenied(tool: string, version: string, lock: ToolsLock | undefined): string | undefined {
  const plain = version.replace(/^v/, '');
  const entry = [...deniedReleases, ...(lock?.deny ?? [])].find(
    each => each.tool === tool && each.versions.some(denied => denied.replace(/^v/, '') === plain),
  );
  return entry === undefined ? undefined : `${tool} ${version} must not run: ${entry.reason}`;
}

function invalid(where: string, actual: string, cause?: unknown): Fault {
  return new Fault('FILE_INVALID', { what: 'the lock of tools cannot be read', where, actual, cause });
}
