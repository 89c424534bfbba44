import { nameBase } from '../../fleet/base-name.ts';
import type { BasePlatform } from '../../fleet/state/base-state.ts';
import type { FaultCode } from '../../ground/fault/codes.ts';
import { asFault } from '../../ground/fault/render.ts';
import { inParallel } from '../../ground/process/in-parallel.ts';
import type { RegistryAccess } from '../../image/oci/access.ts';
import { parseContent } from '../../image/oci/content.ts';
import { type ImageSummary, summariseConfig } from '../../image/oci/image-config.ts';
import { open } from '../../image/oci/open.ts';
import { imagePlatform } from '../../image/oci/platform.ts';
import type { Call, Manifest, Registry } from '../../image/oci/registry.ts';
import { collect } from '../../image/oci/verified.ts';

export type Sight =
  | { readonly digest: string }
  | { readonly error: { readonly code: CheckCode; readonly reason: string } };

/** What scripts match on; the fault has more to say to people. */
export type CheckCode =
  | 'REGISTRY_UNREACHABLE'
  | 'UNAUTHORIZED'
  | 'NOT_FOUND'
  | 'RATE_LIMITED'
  | 'BAD_RESPONSE';

/** Several requests at once, but no storm. */
export const requestsAtOnce = 20;

/** One HEAD for each base. A registry that has had enough is left alone; all others go on. */
export async function observeBases(
  identities: readonly string[],
  access: RegistryAccess,
  o: Call,
): Promise<ReadonlyMap<string, Sight>> {
  const limited = new Set<string>();
  const sights = await inParallel(identities, requestsAtOnce, async identity => {
    const named = nameBase(identity);
    if ('problem' in named) return [identity, failed('BAD_RESPONSE', named.problem)] as const;
    const host = named.value.base.registry;
    if (limited.has(host))
      return [identity, failed('RATE_LIMITED', `${host} takes no more requests now`)] as const;
    const sight = await look(identity, access, o);
    if ('error' in sight && sight.error.code === 'RATE_LIMITED') limited.add(host);
    return [identity, sight] as const;
  });
  return new Map(sights);
}

async function look(identity: string, access: RegistryAccess, o: Call): Promise<Sight> {
  try {
    const { registry, reference } = await open(identity, access, o);
    const found = await registry.head(reference, o);
    return found === undefined
      ? failed('NOT_FOUND', `there is no image ${identity}`)
      : { digest: found.digest };
  } catch (error) {
    o.signal?.throwIfAborted();
    return toFailure(error);
  }
}

export function toFailure(error: unknown): Sight & { error: unknown } {
  const fault = asFault(error);
  if (fault.kind === 'bug') throw error;
  return failed(codes[fault.code] ?? 'BAD_RESPONSE', fault.message);
}

const codes: Partial<Record<FaultCode, CheckCode>> = {
  NETWORK: 'REGISTRY_UNREACHABLE',
  OFFLINE: 'REGISTRY_UNREACHABLE',
  TLS_UNTRUSTED: 'REGISTRY_UNREACHABLE',
  UNAUTHORIZED: 'UNAUTHORIZED',
  DENIED: 'UNAUTHORIZED',
  CREDENTIALS_INVALID: 'UNAUTHORIZED',
  NOT_FOUND: 'NOT_FOUND',
  RATE_LIMITED: 'RATE_LIMITED',
};

function failed(code: CheckCode, reason: string): { error: { code: CheckCode; reason: string } } {
  return { error: { code, reason } };
}

export interface BaseDetails {
  readonly platforms: readonly BasePlatform[];
  readonly publishedAt?: string;
}

/** What a new digest holds; asked only once, and nothing depends on the answer. */
export async function readDetails(
  identity: string,
  digest: string,
  access: RegistryAccess,
  o: Call,
): Promise<BaseDetails> {
  const { registry } = await open(identity, access, o);
  const root = await registry.manifest(digest, o);
  const content = parseContent(root);
  if (content.kind === 'manifest') {
    const summary = await readConfigOf(registry, root, o);
    const { os, architecture, variant, created } = summary;
    return {
      platforms: [{ os, architecture, ...(variant !== undefined && { variant }) }],
      ...(created !== undefined && { publishedAt: created }),
    };
  }
  const runnable = content.manifests.flatMap(entry => {
    const platform = imagePlatform(entry);
    return platform === undefined ? [] : [{ entry, platform }];
  });
  const child =
    runnable.find(({ platform }) => platform.os === 'linux' && platform.architecture === 'amd64') ??
    runnable[0];
  const created =
    child === undefined
      ? undefined
      : (await readConfigOf(registry, await registry.manifest(child.entry.digest, o), o)).created;
  return {
    platforms: runnable.map(({ platform: { os, architecture, variant } }) => ({
      os,
      architecture,
      ...(variant !== undefined && { variant }),
    })),
    ...(created !== undefined && { publishedAt: created }),
  };
}

const largestConfig = 4 * 1024 * 1024;

async function readConfigOf(registry: Registry, manifest: Manifest, o: Call): Promise<ImageSummary> {
  const content = parseContent(manifest);
  if (content.kind !== 'manifest' || content.config.size > largestConfig)
    return { os: 'unknown', architecture: 'unknown', history: [] };
  const summary = summariseConfig(await collect(registry.blob(content.config, o)), content.config.digest);
  return { ...summary, ...(summary.created !== undefined && { created: summary.created.slice(0, 40) }) };
}
