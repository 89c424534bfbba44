import { Fault } from '../../ground/fault/fault.ts';
import { type Call, callsOf, doesCall, isCall, type Job, type Pipeline } from './model.ts';

export interface Violation {
  readonly rule: Invariant;
  readonly job: string;
  readonly says: string;
}

type Check = (job: Job, pipeline: Pipeline) => string | undefined;

/** What holds for every pipeline, whatever the forge; each says what is wrong, or nothing. */
const checks = {
  P1: ({ trust, credentials: { oidc, gitops, issues, findings } }) =>
    trust !== 'trusted' && (oidc ?? gitops ?? issues ?? findings) !== undefined
      ? 'code that is not ours runs beside an identity, a report or the way to production'
      : undefined,
  P2: ({ trust, credentials }) =>
    trust === 'thirdPartyTool' && credentials.registry === 'write'
      ? 'a third-party tool could write to the registry'
      : undefined,
  P3: job =>
    job.event === 'pr' && (writes(job) || secretsOf(job).length > 0)
      ? 'a pull request could write, sign or read a secret'
      : undefined,
  P4: job =>
    secretsOf(job).length > 0 && job.environment === undefined
      ? 'a secret that no environment holds'
      : undefined,
  P5: (job, pipeline) => problemOfNeeds(job, pipeline),
  P6: (job, { jobs }) =>
    !job.perImage &&
    job.aggregates !== true &&
    needsOf(job, jobs).some(needed => needed.perImage) &&
    !collects(job, jobs)
      ? 'results of several images come together without being collected'
      : undefined,
  P7: job =>
    callsOf(job).some(call => call.some(word => typeof word === 'string' && !isPlain(word)))
      ? 'a text that a shell or a forge could take for more than itself'
      : undefined,
  P8: job =>
    doesCall(job, 'sign') === doesCall(job, 'attest')
      ? undefined
      : 'signature and statements are made in different jobs',
  P9: job => problemOfOrder(job),
  P10: (job, { jobs }) => problemOfIdentity(job, jobs),
  P11: (job, { concurrency }) => {
    if (!(job.timeoutMinutes > 0)) return 'it has no time limit';
    if (job.allowFailure === true) return 'its failure would be let pass';
    return publishes(job) && concurrency[job.event] !== 'wait'
      ? 'two runs could publish at the same time, or one be ended halfway'
      : undefined;
  },
  P12: job => (publishes(job) && callsOf(job).some(usesCache) ? 'a shared cache can be poisoned' : undefined),
} as const satisfies Record<string, Check>;

export type Invariant = keyof typeof checks;
export const invariants = Object.keys(checks) as readonly Invariant[];

export function findViolations(pipeline: Pipeline): readonly Violation[] {
  return pipeline.jobs.flatMap(job =>
    invariants.flatMap(rule => {
      const check: Check = checks[rule];
      const says = check(job, pipeline);
      return says === undefined ? [] : [{ rule, job: `${job.event}/${job.id}`, says }];
    }),
  );
}

/** Nothing is rendered from a pipeline that breaks a rule. */
export function proveInvariants(pipeline: Pipeline): void {
  const violations = findViolations(pipeline);
  if (violations.length === 0) return;
  throw new Fault('BUG', {
    what: 'the pipeline that was planned breaks rules that hold for every pipeline; nothing was written',
    actual: violations.map(({ rule, job, says }) => `${rule} ${job}: ${says}`).join('; '),
  });
}

function writes({ credentials: { contents, registry, oidc, issues, findings, gitops } }: Job): boolean {
  const all = [oidc, issues, findings, gitops];
  return contents === 'write' || registry === 'write' || all.some(one => one !== undefined);
}

function publishes({ credentials: { registry, gitops } }: Job): boolean {
  return registry === 'write' || gitops !== undefined;
}

function secretsOf({ steps }: Job): readonly string[] {
  return steps.flatMap(({ secrets = [] }) => secrets);
}

function needsOf(job: Job, jobs: readonly Job[]): readonly Job[] {
  return jobs.filter(({ id, event }) => event === job.event && job.needs.includes(id));
}

function problemOfNeeds(job: Job, { jobs }: Pipeline): string | undefined {
  if (needsOf(job, jobs).length !== new Set(job.needs).size)
    return 'it needs a job that this event does not have';
  const before = new Set<string>();
  const waiting = [...needsOf(job, jobs)];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (before.has(one.id)) continue;
    before.add(one.id);
    waiting.push(...needsOf(one, jobs));
  }
  return before.has(job.id) ? 'it waits for itself' : undefined;
}

/** One artifact for each image, and the command that counts them before anything else happens. */
function collects(job: Job, jobs: readonly Job[]): boolean {
  const given = needsOf(job, jobs).flatMap(({ perImage, gives }) => (perImage ? gives : []));
  const [first] = callsOf(job);
  return (
    first !== undefined &&
    isCall(first, 'collect') &&
    job.takes.length > 0 &&
    job.takes.every(name => given.some(artifact => artifact.name === name))
  );
}

/** These words mean the same to YAML, to every shell and to both forges. */
function isPlain(word: string): boolean {
  return /^[A-Za-z0-9_./:@=,+-]+$/.test(word);
}

/** Sign, verify, then tag; and what is signed is named by its digest. */
function problemOfOrder(job: Job): string | undefined {
  const calls = callsOf(job);
  const at = (stage: string) => calls.findIndex(call => isCall(call, stage));
  const signs = calls.find(call => isCall(call, 'sign'));
  if (signs !== undefined && !isOfReference(signs)) return 'something is signed that is no digest';
  const isUnproven = at('tag') !== -1 && !calls.slice(0, at('tag')).some(resolves);
  if (isUnproven) return 'a version is given to what was not resolved and verified in this job';
  if (at('publish') === -1) return undefined;
  const isVerified = at('verify') !== -1 && at('sign') < at('verify') && at('verify') < at('publish');
  return isVerified ? undefined : 'a tag is set before the image is verified';
}

function resolves(call: Call): boolean {
  return isCall(call, 'resolve') && call.includes('--verify');
}

function isOfReference(call: Call): boolean {
  const [, , subject] = call;
  return typeof subject === 'object' && subject.of === 'reference';
}

/** The identity is the file of the job that signs, so there is one such job, and nothing else can get a token. */
function problemOfIdentity(job: Job, jobs: readonly Job[]): string | undefined {
  if (job.credentials.oidc === undefined)
    return doesCall(job, 'sign') ? 'it signs without an identity of its own' : undefined;
  if (!doesCall(job, 'sign')) return 'it could sign, and is not the job that does';
  const signers = jobs.filter(other => other.event === job.event && other.credentials.oidc !== undefined);
  return signers.length > 1 ? 'more than one job can sign' : undefined;
}

/** A build that publishes says that it takes no cache from anywhere. */
function usesCache(call: Call): boolean {
  const names = call.some(word => typeof word === 'string' && /^--cache-|type=gha/.test(word));
  return names || (isCall(call, 'build') && !call.includes('--no-cache-import'));
}
