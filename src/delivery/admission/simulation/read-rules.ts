import type * as z from 'zod';
import { Fault, FaultList } from '../../../ground/fault/fault.ts';
import { readObjects } from '../../../ground/yaml/read-objects.ts';
import { at, type ClusterObject, isObject } from '../../../model/cluster-object.ts';
import { ClusterImagePolicy, openClusterImagePolicy } from './cluster-image-policy.ts';
import { ImageValidatingPolicy, openImageValidatingPolicy } from './image-validating-policy.ts';
import type { Circumstances, Rule } from './rule.ts';
import {
  openValidatingAdmissionPolicy,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from './validating-admission-policy.ts';

export interface RuleFile {
  readonly path: string;
  readonly text: string;
}

/** Opens every policy of the files; everything in them that is not what is generated is refused by name, all at once. */
export function readRules(files: readonly RuleFile[], circumstances: Circumstances): readonly Rule[] {
  const objects = files.flatMap(({ path, text }) =>
    readObjects(text, path).map(object => ({ path, object })),
  );
  const faults: Fault[] = [];
  const bindings = objects.filter(({ object }) => object['kind'] === 'ValidatingAdmissionPolicyBinding');
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (error instanceof FaultList) faults.push(...error.faults);
      else if (error instanceof Fault) faults.push(error);
      else throw error;
      return undefined;
    }
  };
  const bound = bindings.flatMap(
    ({ path, object }) => attempt(() => check(ValidatingAdmissionPolicyBinding, object, path)) ?? [],
  );
  const rules = objects
    .filter(one => !bindings.includes(one))
    .flatMap(({ path, object }) => attempt(() => openRule(object, bound, circumstances, path)) ?? []);
  for (const { metadata, spec } of bound) {
    if (objects.some(({ object }) => isPolicy(object, spec.policyName))) continue;
    faults.push(
      outside(`the binding ${metadata.name} names a policy that is in none of the files`, spec.policyName),
    );
  }
  throwAll(faults);
  if (rules.length > 0) return rules;
  throw new Fault('FILE_INVALID', {
    what: 'there is no policy in the files',
    where: files.map(({ path }) => path).join(', '),
    next: 'cg admission generate',
  });
}

function openRule(
  object: ClusterObject,
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  circumstances: Circumstances,
  path: string,
): Rule {
  switch (object['kind']) {
    case 'ValidatingAdmissionPolicy': {
      const policy = check(ValidatingAdmissionPolicy, object, path);
      const binding = bindings.find(({ spec }) => spec.policyName === policy.metadata.name);
      if (binding === undefined)
        throw outside(`the policy ${policy.metadata.name} has no binding, and does nothing`, path);
      return openValidatingAdmissionPolicy(policy, binding, path);
    }
    case 'ImageValidatingPolicy':
      return openImageValidatingPolicy(check(ImageValidatingPolicy, object, path), circumstances, path);
    case 'ClusterImagePolicy':
      return openClusterImagePolicy(check(ClusterImagePolicy, object, path), circumstances, path);
    default:
      throw outside(`cannot simulate objects of kind ${String(object['kind']).slice(0, 100)}`, path);
  }
}

function isPolicy(object: ClusterObject, name: string): boolean {
  return object['kind'] === 'ValidatingAdmissionPolicy' && at(object, 'metadata', 'name') === name;
}

function check<S extends z.ZodType>(schema: S, object: ClusterObject, path: string): z.infer<S> {
  const parsed = schema.safeParse(object);
  if (parsed.success) return parsed.data;
  const name = isObject(object['metadata']) ? String(object['metadata']['name']) : '';
  const faults = parsed.error.issues.slice(0, 20).flatMap(issue => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [''];
    return keys.map(key => {
      const place = [...issue.path, ...(key === '' ? [] : [key])].map(String).join('.');
      return outside(`cannot simulate ${String(object['kind'])} ${name}: ${place}`, path, issue.message);
    });
  });
  throwAll(faults);
  throw parsed.error;
}

function throwAll(faults: readonly Fault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  if (faults.length === 1) throw first;
  const details = {
    what: `${faults.length} things in these files cannot be simulated`,
    next: 'cg admission generate',
  };
  throw new FaultList('POLICY_UNSUPPORTED', details, faults);
}

function outside(what: string, where: string, actual?: string): Fault {
  return new Fault('POLICY_UNSUPPORTED', {
    what: what.slice(0, 300),
    where,
    ...(actual !== undefined && { actual: actual.slice(0, 300) }),
    expected: 'what cg admission generate writes',
    next: 'generate the file again: cg admission generate',
  });
}
