import { type DeploymentChoice, type Environment, readEnvironments } from '../../gitops/environments.ts';
import { showEnvironments } from '../../show-environments.ts';
import { findPolicy } from '../find-policy.ts';

export interface PolicyPlace {
  readonly policy?: string;
  readonly promotion?: string;
}

/** What runs somewhere, once however many environments run it. */
export interface DeployedImage {
  /** With its digest, where its environment pins one. */
  readonly image: string;
  readonly digest?: string;
  readonly environments: readonly string[];
  /** What these environments demand. */
  readonly policies: readonly PolicyPlace[];
}

export interface DeployedImages {
  readonly repository: string;
  readonly branch: string;
  readonly commit: string;
  readonly images: readonly DeployedImage[];
}

/** Every image that the environments pin, as Git says; each with the policies of where it runs. */
export async function findDeployed(o: DeploymentChoice & PolicyPlace): Promise<DeployedImages> {
  // Whether registries have them is found out by reading them.
  const { services, repository, branch, commit } = await showEnvironments({ ...o, offline: true });
  const { environments } = await readEnvironments(o);
  const own: PolicyPlace = { ...choiceOf(o), ...(await findPolicy(o)) };
  const found = new Map<string, { digest?: string; environments: string[] }>();
  for (const { environment, image, digest, tag } of services.flatMap(({ cells }) => cells)) {
    const ref = digest === undefined ? [image, tag].filter(Boolean).join(':') : `${image}@${digest}`;
    const known = found.get(ref) ?? { ...(digest !== undefined && { digest }), environments: [] };
    found.set(ref, known);
    if (!known.environments.includes(environment)) known.environments.push(environment);
  }
  const images = [...found]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([image, rest]) => ({ image, ...rest, policies: policiesOf(rest.environments, environments, own) }));
  return { repository, branch, commit, images };
}

function choiceOf({ policy, promotion }: PolicyPlace): PolicyPlace {
  return { ...(policy !== undefined && { policy }), ...(promotion !== undefined && { promotion }) };
}

/** That of the environment, else that of the project; each once. */
function policiesOf(
  names: readonly string[],
  environments: readonly Environment[],
  own: PolicyPlace,
): readonly PolicyPlace[] {
  const places = names.map(name => {
    const place = choiceOf(environments.find(environment => environment.name === name) ?? {});
    return Object.keys(place).length === 0 ? own : place;
  });
  return [...new Map(places.map(place => [JSON.stringify(place), place])).values()];
}
