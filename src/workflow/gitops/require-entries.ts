import { Fault } from '../../ground/fault/fault.ts';
import { nearest } from '../../model/nearest.ts';
import type { EnvironmentFile } from './edit-environment.ts';

/** A name that no entry has is a typing error, also beside right ones: leaving it out would do half of what was meant. */
export function requireEntries(
  names: readonly string[],
  { pins, path }: EnvironmentFile,
  environment: { readonly name: string },
): void {
  const known = pins.map(({ name }) => name);
  const wrong = names.filter(name => !known.includes(name));
  if (wrong.length === 0) return;
  const near = wrong.flatMap(name => nearestEntry(name, known) ?? []);
  throw new Fault('USAGE', {
    what: `${environment.name} has no entry named ${wrong.join(', ')}`,
    where: path,
    expected: known.join(', ') || 'at least one entry',
    next: near.length === 0 ? 'name entries as the file does' : `did you mean ${near.join(', ')}?`,
  });
}

/** People leave out the folder of a name: web is bookstore/web. */
function nearestEntry(name: string, known: readonly string[]): string | undefined {
  const lastWord = (text: string) => text.slice(text.lastIndexOf('/') + 1);
  const same = known.filter(one => lastWord(one) === name);
  if (same.length === 1) return same[0];
  const close = nearest(name, known);
  if (close !== undefined) return close;
  const word = nearest(name, known.map(lastWord));
  return word === undefined ? undefined : known.find(one => lastWord(one) === word);
}
