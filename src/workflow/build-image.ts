import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { Fault } from '../ground/fault/fault.ts';
import { writeFileAtomically } from '../ground/store/atomic-file.ts';
import type { Builder, BuilderId, BuildRequest, BuildStep, ResolvedBase } from '../image/build/builder.ts';
import { chooseBuilder } from '../image/build/choose-builder.ts';
import { embeddedBuilder } from '../image/build/embedded/embedded-builder.ts';
import { buildahBuilder } from '../image/build/external/buildah.ts';
import { buildxBuilder } from '../image/build/external/buildx.ts';
import { ignoreNothing, readIgnoreRules } from '../image/dockerfile/ignore.ts';
import { formatLocation } from '../image/oci/location.ts';
import { open, registriesOf, toLocation } from '../image/oci/open.ts';
import type { BuildRecord } from '../model/build-record.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import { formatPlatform, type Platform } from '../model/descriptor.ts';
import { readBuildEpoch, readSource } from './build/build-source.ts';
import { readDockerfile } from './build/read-dockerfile.ts';
import { resolveBases } from './build/resolve-bases.ts';
import { type ReachOptions, reachRegistries, toPlatform } from './reach-registries.ts';

export interface BuildImageOptions extends ReachOptions {
  /** Paths in the record are told from here. */
  readonly cwd: string;
  readonly context: string;
  /** Without it, Dockerfile or Containerfile of the context. */
  readonly dockerfile?: string;
  readonly destination: string;
  readonly target?: string;
  readonly platforms?: readonly string[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Names of build arguments whose values the record must not hold. */
  readonly secretArgs?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly builder?: BuilderId | 'auto';
  /** Seconds since 1970; without it the time of the commit. */
  readonly epoch?: number;
  /** Where the record for the provenance goes. */
  readonly record?: string;
  readonly version: string;
  readonly clock?: Clock;
  readonly onStep?: (step: BuildStep) => void;
  readonly onChoice?: (text: string) => void;
  readonly onWarning?: (text: string) => void;
}

export interface BuiltImage {
  /** By digest: no tag was set. */
  readonly image: string;
  readonly digest: string;
  readonly platforms: readonly { readonly platform: string; readonly digest: string }[];
  readonly bases: readonly { readonly reference: string; readonly digest: string }[];
  /** What the image itself stands on, by digest. */
  readonly base?: string;
  readonly builder: {
    readonly driver: string;
    readonly version: string;
    readonly reason: string;
    readonly ruledOut: readonly string[];
  };
  readonly record: BuildRecord;
}

/** Builds an image and stores it under its digest, untagged; what went in is recorded for the provenance. */
export async function buildImage(o: BuildImageOptions): Promise<BuiltImage> {
  const clock = o.clock ?? systemClock;
  const startedOn = timeOf(clock);
  const context = resolve(o.cwd, o.context);
  await checkContext(context);
  const { dockerfile, file, ignoreFile } = await readDockerfile(
    o.cwd,
    context,
    o.dockerfile === undefined ? undefined : resolve(o.cwd, o.dockerfile),
  );
  const destination = toLocation(o.destination);
  checkDestination(o.destination, destination);
  const platforms = choosePlatforms(o.platforms);
  const buildArgs = o.buildArgs ?? {};
  const question = { dockerfile, buildArgs, ...(o.target !== undefined && { target: o.target }) };
  const call = o.signal === undefined ? {} : { signal: o.signal };
  const choice = await chooseBuilder(buildersOf(o), o.builder ?? 'auto', question, call);
  o.onChoice?.(`${choice.builder.id}: ${choice.reason}`);
  const source = await readSource(context, o.env, call);
  const epoch = o.epoch ?? (await readBuildEpoch(context, o.env, call));
  const workFolder = await mkdtemp(join(tmpdir(), 'cg-build-'));
  try {
    return await reachRegistries(o, registriesOf(destination), async access => {
      const bases = await resolveBases(dockerfile, {
        access,
        platforms,
        buildArgs,
        ...(o.target !== undefined && { target: o.target }),
        ...call,
      });
      const { registry } = await open(destination, access, { ...call, to: 'write' });
      const request: BuildRequest = {
        ...question,
        context,
        file,
        ignore: ignoreFile === undefined ? ignoreNothing : readIgnoreRules(ignoreFile),
        platforms,
        labels: o.labels ?? {},
        annotations: { ...annotationsOf(bases.main, source, epoch), ...o.annotations },
        epoch,
        bases: bases.all,
        destination: registry,
        workFolder,
        ...(o.onStep !== undefined && { onStep: o.onStep }),
      };
      warnOfUnusedArguments(request, o);
      const built = await choice.builder.build(request, call);
      const image = `${formatLocation(destination)}@${built.root.digest}`;
      const record = recordOf(o, request, built, {
        image: formatLocation(destination),
        startedOn,
        finishedOn: timeOf(clock),
      });
      if (o.record !== undefined)
        await writeFileAtomically(resolve(o.cwd, o.record), `${JSON.stringify(record, undefined, 2)}\n`);
      return {
        image,
        digest: built.root.digest,
        platforms: built.platforms,
        bases: record.bases,
        ...(bases.main !== undefined && { base: bases.main.pinned }),
        builder: { ...built.builder, reason: choice.reason, ruledOut: choice.ruledOut },
        record,
      };
    });
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

/** In the order in which they are tried. */
function buildersOf({ version, env }: BuildImageOptions): readonly Builder[] {
  return [embeddedBuilder(version), buildxBuilder(env), buildahBuilder(env)];
}

export async function checkContext(context: string): Promise<void> {
  const found = await stat(context).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new Fault('FILE_MISSING', {
    what: found === undefined ? `there is no folder ${context}` : `${context} is no folder`,
    where: context,
    expected: 'the folder that COPY reads from',
    next: 'cg build FOLDER --to REGISTRY/REPOSITORY',
  });
}

function checkDestination(text: string, location: ReturnType<typeof toLocation>): void {
  const named = location.kind === 'registry' ? location.reference : location;
  if (location.kind !== 'registry' && location.kind !== 'oci') {
    throw new Fault('USAGE', {
      what: 'a build is stored in a registry or in an OCI layout folder',
      actual: text,
      next: `--to oci:./image, then cg copy oci:./image ${text}`,
    });
  }
  if (named.tag === undefined && named.digest === undefined) return;
  throw new Fault('USAGE', {
    what: 'an image is built without a tag: what was checked gets one afterwards',
    actual: text,
    expected: 'REGISTRY/REPOSITORY',
    next: 'leave the tag out; cg copy IMAGE@DIGEST IMAGE:TAG sets one once it was scanned and signed',
  });
}

/** Those that are wanted, or that of this machine. */
export function choosePlatforms(wanted: readonly string[] = []): readonly Platform[] {
  return wanted.length === 0 ? [thisPlatform()] : wanted.map(toPlatform);
}

/** Images run on Linux, also when they are built elsewhere. */
function thisPlatform(): Platform {
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return { os: 'linux', architecture: architectures[process.arch] ?? process.arch };
}

function annotationsOf(
  main: ResolvedBase | undefined,
  source: { readonly repository?: string; readonly commit?: string },
  epoch: number,
): Record<string, string> {
  return {
    'org.opencontainers.image.created': new Date(epoch * 1000).toISOString().replace('.000Z', 'Z'),
    ...(main !== undefined && {
      'org.opencontainers.image.base.name': nameOf(main),
      'org.opencontainers.image.base.digest': main.digest,
    }),
    ...(source.repository !== undefined && { 'org.opencontainers.image.source': source.repository }),
    ...(source.commit !== undefined && { 'org.opencontainers.image.revision': source.commit }),
  };
}

function nameOf({ reference }: ResolvedBase): string {
  return reference.replace(/@.*$/, '');
}

function recordOf(
  o: BuildImageOptions,
  request: BuildRequest,
  built: {
    readonly root: { readonly digest: BuildRecord['digest'] };
    readonly builder: BuildRecord['builder'];
  },
  more: Pick<BuildRecord, 'image' | 'startedOn' | 'finishedOn'>,
): BuildRecord {
  const secret = new Set(o.secretArgs);
  const args = Object.entries(request.buildArgs).map(
    ([name, value]) => [name, secret.has(name) ? null : value] as const,
  );
  return {
    image: more.image,
    digest: built.root.digest,
    dockerfile: relative(request.context, request.file),
    context: relative(o.cwd, request.context) || '.',
    ...(request.target !== undefined && { target: request.target }),
    platforms: request.platforms.map(formatPlatform),
    ...(args.length > 0 && { buildArgs: Object.fromEntries(args) }),
    bases: [...request.bases.values()].map(({ reference, digest }) => ({ reference, digest })),
    builder: built.builder,
    startedOn: more.startedOn,
    finishedOn: more.finishedOn,
  };
}

function timeOf(clock: Clock): string {
  return clock
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z');
}

function warnOfUnusedArguments(
  { dockerfile, buildArgs }: BuildRequest,
  { onWarning }: BuildImageOptions,
): void {
  const declared = dockerfile.instructions
    .filter(({ keyword }) => keyword === 'ARG')
    .map(({ rest }) => rest.text);
  for (const name of Object.keys(buildArgs)) {
    const isUsed = declared.some(text =>
      new RegExp(`(?:^|\\s)${name.replace(/\W/g, '\\$&')}(?:=|\\s|$)`).test(text),
    );
    if (!isUsed && !/_proxy$/i.test(name)) onWarning?.(`the build argument ${name} is used by no ARG`);
  }
}
