import { resolve } from 'node:path';
import { proveInvariants } from '../delivery/pipeline/invariants.ts';
import type { Pipeline, RenderedFile } from '../delivery/pipeline/model.ts';
import { compareFile } from '../delivery/pipeline/ownership.ts';
import { actionPins, type Pins, writeImagePin } from '../delivery/pipeline/pins.ts';
import { planPipeline } from '../delivery/pipeline/plan-pipeline.ts';
import { renderGithub } from '../delivery/pipeline/render/github.ts';
import { includedFile, renderGitlab } from '../delivery/pipeline/render/gitlab.ts';
import { renderLauncher } from '../delivery/pipeline/render/launcher.ts';
import { policyPath } from '../delivery/pipeline/render/policy.ts';
import { type ForgeRepository, platformOf, signingIdentity } from '../delivery/pipeline/signing-identity.ts';
import { takeTurns } from '../ground/store/machine-lock.ts';
import { diffTexts } from '../ground/terminal/unified-diff.ts';
import type { Clock } from '../model/clock.ts';
import { defined } from '../model/defined.ts';
import { type Forge, forges } from '../model/forge.ts';
import type { FleetPlace } from './images/fleet-place.ts';
import { readFleet } from './images/read-fleet.ts';
import { adoptPins, effectivePins, pinsPath, readLock, type SeenFile } from './pipelines/adopt-pins.ts';
import { adviseOn } from './pipelines/advise-on.ts';
import { findRepository } from './pipelines/find-repository.ts';
import { isFine, type JudgedFile, judge, judgeKept, refuseForeign } from './pipelines/judge-files.ts';
import {
  type FileStatus,
  type KeptFile,
  keptFiles,
  lockedVersion,
  lockPath,
} from './pipelines/kept-files.ts';
import { readJobImage, readWishes, refuseUnsupported } from './pipelines/read-wishes.ts';
import { type FileOnDisk, readTarget, writeTargets } from './pipelines/target-folder.ts';

export const platformChoices = [...forges, 'all'] as const;

export interface GeneratePipelines extends FleetPlace {
  /** What `ci.platform` or the files that are there say, without it. */
  readonly platform?: (typeof platformChoices)[number];
  /** The top of the repository, without it. */
  readonly outputFolder?: string;
  /** Where the repository is on its forge; found out without it. */
  readonly repository?: string;
  /** Of cg: what the pipelines install. */
  readonly version: string;
  readonly clock: Clock;
  /** Compare and write nothing. */
  readonly mode: 'write' | 'check' | 'dry-run';
}

export interface GeneratedFile {
  readonly path: string;
  readonly status: FileStatus;
  readonly written: boolean;
  /** What is to be changed, as `diff -u` shows it. */
  readonly diff?: string;
}

export interface GeneratedPipelines {
  readonly platforms: readonly Forge[];
  readonly files: readonly GeneratedFile[];
  /** What a person should know or do next. */
  readonly notes: readonly string[];
  readonly differs: boolean;
}

/** Writes the CI pipelines of a repository from its own files: planned once, proven, rendered for each forge. */
export async function generatePipelines(o: GeneratePipelines): Promise<GeneratedPipelines> {
  const repository = await findRepository({ remote: 'origin', ...o });
  const fleet = await readFleet({ ...o, env: withRepository(o.env, repository) });
  refuseUnsupported(fleet, o.cwd);
  const root = resolve(o.cwd, o.outputFolder ?? fleet.root);
  const wishes = readWishes(fleet);
  const chosen = await choosePlatforms(
    o,
    root,
    fleet.settings.get('ci.platform'),
    fleet.project.ci?.platform,
  );
  if (wishes.images.length === 0) {
    const note = `no image of ${fleet.file} is built here, so there is nothing to make a pipeline for`;
    return { platforms: chosen, files: [], notes: [note], differs: false };
  }
  const pipeline = planPipeline(wishes);
  proveInvariants(pipeline);
  const base: Pins = new Map([...actionPins, ...(chosen.includes('gitlab') ? [readJobImage(fleet)] : [])]);
  const advice = await adviseOn({ fleet, chosen, pipeline, version: o.version });
  return await takeTurns(
    `pipelines of ${root}`,
    () =>
      generate({
        root,
        pipeline,
        base,
        chosen,
        advice,
        ...defined({ repository }),
        o,
      }),
    defined({ signal: o.signal }),
  );
}

interface Making {
  readonly root: string;
  readonly pipeline: Pipeline;
  readonly base: Pins;
  readonly chosen: readonly Forge[];
  readonly advice: readonly string[];
  readonly repository?: ForgeRepository;
  readonly o: GeneratePipelines;
}

async function generate(making: Making): Promise<GeneratedPipelines> {
  const { root, pipeline, base, chosen, o } = making;
  const kept = keptFiles({ platforms: chosen, version: o.version, ...identityOf(making) });
  const lock = await readTarget(root, pinsPath);
  const locked = readLock(lock?.text);
  const first = render(pipeline, effectivePins(base, locked), making);
  const disk = await readAll(root, [...first, ...kept]);
  const seen = first.flatMap(({ path, text }): SeenFile[] => {
    const before = disk.get(path)?.text;
    return before === undefined ? [] : [{ path, text: before, status: compareFile(before, text) }];
  });
  const adopted = adoptPins(base, { locked, files: seen, now: o.clock.now() });
  const files: JudgedFile[] = [
    ...render(pipeline, adopted.pins, making).map(file => judge(file, disk.get(file.path), adopted.pins)),
    ...kept.map(file => judgeKept(file, disk.get(file.path))),
  ];
  const steps = await nextSteps(files, making);
  const notes = [...adopted.notes, ...keptNotes(kept, disk), ...making.advice, ...steps];
  if (o.mode !== 'check') refuseForeign(files);
  const writes = [
    ...files.flatMap(({ path, before, after, executable }) =>
      after === undefined ? [] : [{ path, text: after, ...defined({ before, executable }) }],
    ),
    ...(adopted.lock === undefined || adopted.lock === lock?.text
      ? []
      : [{ path: pinsPath, text: adopted.lock, ...defined({ before: lock?.text }) }]),
  ];
  if (o.mode === 'write') await writeTargets(root, writes);
  return {
    platforms: chosen,
    files: files.map(file => toGenerated(file, o.mode)),
    notes,
    differs: files.some(({ status }) => !isFine(status)),
  };
}

function render(pipeline: Pipeline, pins: Pins, { chosen, base, o }: Making): readonly RenderedFile[] {
  const { version } = o;
  const image = [...base.keys()].find(name => !actionPins.has(name));
  const pin = image === undefined ? undefined : pins.get(image);
  return [
    ...(chosen.includes('github') ? renderGithub(pipeline, { version, pins }) : []),
    ...(image !== undefined && pin !== undefined
      ? renderGitlab(pipeline, { version, jobImage: writeImagePin(image, pin) })
      : []),
    renderLauncher(version),
  ];
}

/** Files that are there say which forge they are for. */
async function choosePlatforms(
  { platform }: GeneratePipelines,
  root: string,
  setting: unknown,
  own: Forge | undefined,
): Promise<readonly Forge[]> {
  if (platform === 'all') return forges;
  if (platform !== undefined) return [platform];
  if (own !== undefined) return [own];
  const places = { github: '.github/workflows/cg-pr.yml', gitlab: includedFile };
  const there: Forge[] = [];
  for (const each of forges) if ((await readTarget(root, places[each])) !== undefined) there.push(each);
  return there.length > 0 ? there : [setting === 'gitlab' ? 'gitlab' : 'github'];
}

/** An entry that names the repository that it lives in is built here, in CI and elsewhere alike. */
function withRepository(env: FleetPlace['env'], repository: ForgeRepository | undefined): FleetPlace['env'] {
  return repository === undefined ? env : { ...env, GITHUB_REPOSITORY: repository.path };
}

function identityOf({ repository, pipeline, chosen }: Making): {
  identity?: { issuer: string; subject: string };
} {
  if (repository === undefined) return {};
  const platform = platformOf(repository);
  if (platform === undefined || !chosen.includes(platform)) return {};
  return defined({ identity: signingIdentity(repository, pipeline.branch) });
}

async function readAll(
  root: string,
  files: readonly { readonly path: string }[],
): Promise<ReadonlyMap<string, FileOnDisk>> {
  const found = new Map<string, FileOnDisk>();
  for (const { path } of files) {
    const file = await readTarget(root, path);
    if (file !== undefined) found.set(path, file);
  }
  return found;
}

function keptNotes(kept: readonly KeptFile[], disk: ReadonlyMap<string, FileOnDisk>): readonly string[] {
  return kept.flatMap(file => {
    const before = disk.get(file.path);
    const note = before === undefined ? undefined : file.judge(before.text).note;
    return note === undefined ? [] : [note];
  });
}

async function nextSteps(files: readonly JudgedFile[], making: Making): Promise<readonly string[]> {
  const { root, o } = making;
  const notes: string[] = [];
  const locked = lockedVersion((await readTarget(root, lockPath))?.text);
  if (locked !== o.version) {
    const what = locked === undefined ? `there is no ${lockPath}` : `${lockPath} locks cg ${locked}`;
    notes.push(
      `${what}; next: npm install --prefix .cascadeguard --package-lock-only --ignore-scripts, and commit it`,
    );
  }
  const policy = files.find(({ path }) => path === policyPath);
  if (policy?.status === 'missing' && identityOf(making).identity === undefined)
    notes.push(
      `${policyPath} does not say yet who signs: fill in identity, or remove it and use --repository URL`,
    );
  return notes;
}

function toGenerated(
  { path, status, before, after }: JudgedFile,
  mode: GeneratePipelines['mode'],
): GeneratedFile {
  const written = mode === 'write' && after !== undefined;
  if (written || after === undefined) return { path, status, written };
  return { path, status, written, diff: diffTexts(path, before, after) };
}
