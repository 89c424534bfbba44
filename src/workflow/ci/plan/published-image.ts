import { Fault, FaultList } from '../../../ground/fault/fault.ts';
import type { BuildInputs } from '../../../model/build-record.ts';
import { predicateTypes } from '../../../model/statement.ts';
import { acceptedAttestations } from '../../../trust/policy/evidence/accept.ts';
import { isSource, placeOf } from '../../../trust/policy/evidence/git-source.ts';
import { dependenciesOf, finishedOn, provenanceOf } from '../../../trust/policy/evidence/provenance.ts';
import { at, isObject } from '../../../trust/policy/evidence/read.ts';
import type { ComponentEvidence } from '../../../trust/policy/gate-input.ts';
import type { Policy } from '../../../trust/policy/policy.ts';
import { type GateOptions, gateImages } from '../../gate-image.ts';
import { inputNames } from './build-inputs.ts';

export type ReadPublished = GateOptions;

/** One statement of what an image was built from. */
export interface Built {
  readonly inputs: unknown;
  readonly commit: string | undefined;
}

/** What the published image was built from, as somebody said whom the policy believes; or why nobody did. */
export type Published =
  | { readonly ref: string; readonly built: readonly Built[] }
  | { readonly ref?: string; readonly reason: string };

/** What stands under each name. Whatever cannot be read ends this: it could be anything. */
export async function readPublished(
  targets: readonly { readonly name: string; readonly image: string }[],
  o: ReadPublished,
): Promise<ReadonlyMap<string, Published>> {
  if (targets.length === 0) return new Map();
  const { input, policy } = await gateImages({
    ...o,
    targets,
    keepInput: true,
  });
  const found = new Map<string, Published>();
  const faults: Fault[] = [];
  for (const component of input?.components ?? []) {
    if (
      component.problem !== undefined &&
      component.problem.kind !== 'absent' &&
      !isHidden(component.problem)
    )
      faults.push(
        new Fault(component.problem.kind === 'untrusted' ? 'EVIDENCE_UNREADABLE' : 'NETWORK', {
          what: `what is published of ${component.name} cannot be read, so nothing says what it was built from`,
          where: component.reference,
          actual: component.problem.message,
          next: 'run the same command again when the registry answers',
        }),
      );
    // Of an index its own provenance counts, and not that of a platform in it.
    if (targets.some(({ name }) => name === component.name))
      found.set(component.name, describePublished(component, policy));
  }
  const [only] = faults;
  if (faults.length > 1)
    throw new FaultList(only?.code ?? 'NETWORK', { what: `${faults.length} images cannot be read` }, faults);
  if (only !== undefined) throw only;
  return found;
}

/** Some registries say that of what does not exist yet, and a first build must not fail of it. */
function isHidden({ message }: { readonly message: string }): boolean {
  return /^(?:DENIED|UNAUTHORIZED): /.test(message);
}

function describePublished(
  { problem, reference, repository, digest, items }: ComponentEvidence,
  policy: Policy,
): Published {
  if (problem !== undefined && isHidden(problem))
    return { reason: `${reference} is not published, or not shown to this job (${problem.message})` };
  if (problem !== undefined || digest === undefined) return { reason: `${reference} is not published yet` };
  const ref = `${repository}@${digest}`;
  const demanded = policy.requirements.find(({ type }) => type === predicateTypes.slsaprovenance1);
  const believed = provenanceOf(acceptedAttestations(items, policy, demanded?.by));
  if (believed.length === 0)
    return { ref, reason: `${reference} has no provenance by anybody whom the policy believes` };
  const built = believed
    .toSorted((a, b) => (String(finishedOn(a)) < String(finishedOn(b)) ? 1 : -1))
    .map(one => ({
      inputs: at(one.statement.predicate, 'buildDefinition', 'internalParameters', 'inputs'),
      commit: dependenciesOf(one)
        .filter(dependency => isSource(dependency, ['git']))
        .map(source => placeOf(source).commit)[0],
    }))
    .filter(({ inputs }) => isObject(inputs));
  return built.length === 0
    ? { ref, reason: `the provenance of ${reference} does not say what it was built from` }
    : { ref, built };
}

/**
 * Why what is published was not built from these inputs; undefined where somebody whom the policy believes says that
 * it was. A part that is not known here is not compared.
 */
export async function problemOfInputs(
  now: Partial<BuildInputs>,
  { built, ref }: Extract<Published, { readonly built: unknown }>,
  problemOf: (commit: string | undefined) => Promise<string | undefined>,
): Promise<string | undefined> {
  const parts = (['digest', ...Object.keys(inputNames)] as (keyof BuildInputs)[]).filter(
    part => now[part] !== undefined,
  );
  const differences = (one: Built | undefined) => parts.filter(part => at(one?.inputs, part) !== now[part]);
  const problems: string[] = [];
  for (const one of built.filter(each => differences(each).length === 0)) {
    const problem = await problemOf(one.commit);
    if (problem === undefined) return undefined;
    problems.push(problem);
  }
  const [problem] = problems;
  if (problem !== undefined) return `${ref} was built ${problem}`;
  const changed = differences(built[0]).flatMap(part => (part === 'digest' ? [] : inputNames[part]));
  return `${changed.join(', ') || 'something'} is not what ${ref} was built from`;
}
