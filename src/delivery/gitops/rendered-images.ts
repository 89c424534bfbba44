import { parseAllDocuments } from 'yaml';
import { Fault } from '../../ground/fault/fault.ts';

/** Where images stand in Kubernetes objects, custom resources included. */
const containerLists = ['containers', 'initContainers', 'ephemeralContainers'];
const mostVisited = 2_000_000;

/** Every image that rendered manifests would run, sorted, each as often as it stands there. */
export function imagesOfManifests(text: string): readonly string[] {
  const images: string[] = [];
  const documents = parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false });
  const problem = Array.isArray(documents) ? documents.flatMap(({ errors }) => errors)[0] : undefined;
  if (problem !== undefined) throw unreadable(problem.message.split('\n')[0] ?? 'not YAML');
  const waiting: unknown[] = Array.isArray(documents)
    ? documents.map(document => document.toJS({ maxAliasCount: 100 }))
    : [];
  for (let visited = 0; waiting.length > 0; visited++) {
    // An image that was not seen is one that nobody checked.
    if (visited >= mostVisited) throw unreadable(`more than ${mostVisited} values`);
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (!Array.isArray(value)) images.push(...imagesHere(value as Json));
    waiting.push(...Object.values(value));
  }
  return images.sort();
}

function unreadable(actual: string): Fault {
  return new Fault('CONTENT_INVALID', {
    what: 'the manifests cannot be read whole, so nobody knows which images they run',
    actual,
  });
}

type Json = Readonly<Record<string, unknown>>;

function imagesHere(value: Json): string[] {
  const lists = containerLists.flatMap(name => listOf(value[name]).flatMap(item => textOf(item['image'])));
  const volumes = listOf(value['volumes']).flatMap(item =>
    typeof item['image'] === 'object' && item['image'] !== null
      ? textOf((item['image'] as Json)['reference'])
      : [],
  );
  return [...lists, ...volumes];
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value)
    ? value.filter((item): item is Json => typeof item === 'object' && item !== null)
    : [];
}

function textOf(value: unknown): string[] {
  return typeof value === 'string' && value !== '' ? [value] : [];
}
