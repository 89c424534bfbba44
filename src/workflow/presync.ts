import { writeFile } from 'node:fs/promises';
import { exitCodes } from '../ground/fault/exit-codes.ts';
import { Fault } from '../ground/fault/fault.ts';
import { asFault, exitCodeOf } from '../ground/fault/render.ts';
import { inParallel } from '../ground/process/in-parallel.ts';
import { algorithmOf } from '../model/digest.ts';
import { parseImageReference } from '../model/image-reference.ts';
import { type GateTarget, readTargets } from './gate/read-components.ts';
import { exitOfVerdict, type Gate, type GateOptions, withGate } from './gate-image.ts';
import { findEnvironment, readEnvironments } from './gitops/environments.ts';

export interface PresyncOptions extends GateOptions {
  readonly cwd: string;
  /** One of gitops.environments, whose policy is asked; a policy of the command line wins. */
  readonly environment?: string;
  /** Beside those that the environment of the process names. */
  readonly images?: readonly string[];
  /** Components files, or their content. */
  readonly components?: readonly string[];
}

type Target = Pick<GateTarget, 'image' | 'source'>;

export interface PresyncImage {
  readonly image: string;
  readonly exit: number;
  readonly decision: 'allow' | 'deny' | 'indeterminate';
  readonly reasons: readonly string[];
}

export interface Presynced {
  readonly images: readonly PresyncImage[];
  readonly exit: 0 | 1 | 2 | 3 | 4;
  /** What the orchestrator shows: the verdict first, at most 4096 bytes. */
  readonly message: string;
}

/** A Job of Kubernetes keeps this much of its last words. */
const longestMessage = 4096;
const mostImages = 1000;

/** Judges every image of a sync before it begins; all are looked at, and the worst answer decides. */
export async function presync(o: PresyncOptions): Promise<Presynced> {
  const named: Target[] = await readTargets(o);
  const { images, holes } = imagesOfEnvironment(o.env, named.length > 0);
  const policy = await policyOf(o);
  const found = await judgeAll([...named, ...images.map(image => ({ image }))], { ...o, ...policy });
  // A hole in the list never hides that another image cannot be trusted.
  const judged = [...found, ...holes];
  const exit = worstExit(judged.map(one => one.exit));
  return { images: judged, exit, message: messageOf(judged, exit) };
}

/** `GATE_IMAGE_<n>` without a gap, or `GATE_IMAGES`; what was never filled in stops the sync as well. */
export function imagesOfEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  isOptional: boolean,
): { readonly images: readonly string[]; readonly holes: readonly PresyncImage[] } {
  const names = Object.keys(env).filter(name => name.startsWith('GATE_IMAGE_'));
  const isNumbered = (name: string) => /^GATE_IMAGE_(?:0|[1-9]\d{0,3})$/.test(name);
  const numbered = names
    .filter(isNumbered)
    .map(name => Number(name.slice('GATE_IMAGE_'.length)))
    .sort((a, b) => a - b);
  const list = env['GATE_IMAGES'];
  const named = [
    ...numbered.map(number => [`GATE_IMAGE_${number}`, env[`GATE_IMAGE_${number}`] ?? ''] as const),
    ...(list === undefined ? [] : list.trim().split(/\s+/)).map(image => ['GATE_IMAGES', image] as const),
  ];
  if (named.length > mostImages)
    throw misconfigured(`the list holds more than ${mostImages} images`, String(named.length));
  if (named.length + names.length === 0 && !isOptional)
    throw misconfigured('nothing says which images are synchronised', 'no GATE_IMAGE_0 and no GATE_IMAGES');
  const isUnset = (image: string) => image === '' || image === 'unset';
  const gaps = numbered.filter((number, at) => number !== (numbered[at - 1] ?? -1) + 1);
  return {
    images: named.map(([, image]) => image).filter(image => !isUnset(image)),
    holes: [
      ...names
        .filter(name => !isNumbered(name))
        .map(name => toHole(name.slice(0, 100), 'it is no place in the list, so nobody would judge it')),
      ...gaps.map(number => toHole(`GATE_IMAGE_${number - 1}`, 'it is missing in the list')),
      ...named
        .filter(([, image]) => isUnset(image))
        .map(([name]) => toHole(name, 'an image of the list was never filled in')),
    ],
  };
}

function toHole(image: string, reason: string): PresyncImage {
  return { image, exit: exitCodes.usage, decision: 'indeterminate', reasons: [reason] };
}

function misconfigured(what: string, actual: string): Fault {
  return new Fault('USAGE', {
    what,
    where: 'the environment of the Job',
    expected: 'GATE_IMAGE_0, GATE_IMAGE_1 … or GATE_IMAGES',
    actual,
    next: 'build the overlay and look at the env of the Job gate-presync: its replacements fill these in',
  });
}

async function policyOf(o: PresyncOptions): Promise<Pick<GateOptions, 'policy' | 'promotion'>> {
  if (o.policy !== undefined || o.promotion !== undefined || o.environment === undefined) return {};
  const { policy, promotion, name } = findEnvironment(await readEnvironments(o), o.environment);
  if (policy === undefined && promotion === undefined) {
    throw new Fault('USAGE', {
      what: `nothing says what an image must prove to come to ${name}`,
      expected: 'a policy',
      next: `set gitops.environments.${name}.policy, or --policy FILE`,
    });
  }
  return { ...(policy !== undefined && { policy }), ...(promotion !== undefined && { promotion }) };
}

/** What a name alone already decides is refused; all others are judged through one gate. */
async function judgeAll(targets: readonly Target[], o: PresyncOptions): Promise<readonly PresyncImage[]> {
  const seen = targets.map(target => ({ target, refused: refuseName(target.image) }));
  const judged = seen.flatMap(({ target, refused }) => (refused === undefined ? [target] : []));
  const answers = await withGate(
    o,
    judged.map(({ image }) => image),
    async gate => await inParallel(judged, o.workers ?? 5, async target => await judge(target, gate, o)),
  ).catch((error: unknown) => judged.map(({ image }) => describeFault(image, error, o)));
  const byTarget = new Map(judged.map((target, at) => [target, answers[at]]));
  return seen.flatMap(({ target, refused }) => refused ?? byTarget.get(target) ?? []);
}

function refuseName(image: string): PresyncImage | undefined {
  const parsed = parseImageReference(image);
  if ('problem' in parsed) return { image, exit: 2, decision: 'indeterminate', reasons: [parsed.problem] };
  const { digest } = parsed.value;
  // What the rule of a cluster refuses must not come to it, and asking again would change nothing.
  if (digest !== undefined && algorithmOf(digest) === 'sha256') return undefined;
  const reason =
    digest === undefined
      ? 'a tag can move: only a digest says what would run'
      : 'clusters pin by sha256, and this digest is another one';
  return { image, exit: 1, decision: 'deny', reasons: [reason] };
}

async function judge(target: Target, gate: Gate, o: PresyncOptions): Promise<PresyncImage> {
  const { image } = target;
  try {
    const verdict = await gate.judge(target);
    const reasons = verdict.components.flatMap(({ violations, trouble }) => [
      ...(trouble === undefined ? [] : [trouble.message]),
      ...violations.map(({ code, message }) => `${code}: ${message}`),
    ]);
    return { image, exit: exitOfVerdict(verdict), decision: verdict.decision, reasons };
  } catch (error) {
    return describeFault(image, error, o);
  }
}

function describeFault(image: string, error: unknown, o: PresyncOptions): PresyncImage {
  o.signal?.throwIfAborted();
  const fault = asFault(error);
  return {
    image,
    exit: exitCodeOf(fault),
    decision: 'indeterminate',
    reasons: [`${fault.code}: ${fault.message}`],
  };
}

/** Final answers before one that a retry may change. */
function worstExit(exits: readonly number[]): Presynced['exit'] {
  for (const code of [4, 2, 1, 3] as const) if (exits.includes(code)) return code;
  return exits.every(code => code === 0) ? 0 : 3;
}

function messageOf(images: readonly PresyncImage[], exit: Presynced['exit']): string {
  const words = {
    0: 'allow',
    1: 'deny',
    2: 'misconfigured',
    3: 'a registry could not be asked',
    4: 'cannot be trusted',
  };
  const refused = images.filter(one => one.exit !== 0);
  const head = `${words[exit]}: ${images.length - refused.length} of ${images.length} images may be synchronised`;
  const lines = refused.map(({ image, reasons }) => `${image}: ${reasons.slice(0, 3).join('; ')}`);
  const text = [head, ...lines].join('\n').replace(/[^\P{Cc}\n]/gu, ' ');
  const bytes = Buffer.from(text);
  return bytes.length <= longestMessage
    ? text
    : `${bytes
        .subarray(0, longestMessage - 4)
        .toString('utf8')
        .replace(/\uFFFD$/, '')}…`;
}

/** Where there is no such file, as on a laptop, nobody reads it either. */
export async function writeTerminationMessage(file: string, message: string): Promise<void> {
  await writeFile(file, message, { flag: 'r+' }).catch(() => undefined);
}
