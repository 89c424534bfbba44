import { Fault } from '../../ground/fault/fault.ts';
import { positionOf } from '../dockerfile/source-text.ts';
import type { Call } from '../oci/registry.ts';
import type { Builder, BuilderId, BuildRequest } from './builder.ts';

export interface Choice {
  readonly builder: Builder;
  readonly reason: string;
  /** What was not taken, and why. */
  readonly ruledOut: readonly string[];
}

type Question = Pick<BuildRequest, 'dockerfile' | 'target' | 'buildArgs'>;

/** The first builder that can do all of a Dockerfile and is there; the embedded one comes first because it needs nothing. */
export async function chooseBuilder(
  builders: readonly Builder[],
  wanted: BuilderId | 'auto',
  question: Question,
  o: Call,
): Promise<Choice> {
  const ruledOut: string[] = [];
  for (const builder of builders) {
    if (wanted !== 'auto' && builder.id !== wanted) continue;
    const obstacle = await findObstacle(builder, question, o);
    if (obstacle === undefined) return { builder, reason: reasonFor(builder, wanted, ruledOut), ruledOut };
    ruledOut.push(`${builder.id}: ${obstacle}`);
  }
  throw new Fault('BUILDER_UNSUITABLE', {
    what:
      wanted === 'auto'
        ? `no builder here can build ${question.dockerfile.path}`
        : `the builder "${wanted}" cannot build ${question.dockerfile.path}`,
    where: question.dockerfile.path,
    actual: ruledOut.join('; '),
  });
}

async function findObstacle(builder: Builder, question: Question, o: Call): Promise<string | undefined> {
  const [first, ...others] = builder.unsupported(question);
  if (first !== undefined) {
    const { line, column } = positionOf(question.dockerfile.text, first.offset);
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    return `does not do ${first.what} (${question.dockerfile.path}:${line}:${column}${more})`;
  }
  const probe = await builder.probe(o);
  return probe.available ? undefined : probe.reason;
}

function reasonFor(builder: Builder, wanted: BuilderId | 'auto', ruledOut: readonly string[]): string {
  if (wanted !== 'auto') return 'as asked';
  if (builder.id === 'embedded') return 'the Dockerfile needs no RUN, so that nothing else is needed either';
  return ruledOut.length === 0 ? 'the first that is here' : `the first that can (${ruledOut.join('; ')})`;
}
