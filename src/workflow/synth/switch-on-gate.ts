import { isDeepStrictEqual } from 'node:util';
import { parseDocument } from 'yaml';
import { Fault } from '../../ground/fault/fault.ts';

export const gateFolder = 'gate';
const entry = { path: `${gateFolder}/replacements.yaml` };
const wanted = {
  components: { item: gateFolder, line: `  - ${gateFolder}\n` },
  replacements: { item: entry, line: `  - path: ${entry.path}\n` },
} as const;

/** The kustomization with the gate switched on: keys that are not there are added at the end, and nothing else changes. */
export function switchOnGate(text: string, where: string): string {
  const document = parseDocument(text);
  const value: unknown = document.errors.length === 0 ? document.toJS({ maxAliasCount: 100 }) : undefined;
  if (typeof value !== 'object' || value === null || /^(?:---|\.\.\.)/m.test(text.trimStart().slice(3)))
    throw refuse(where);
  const missing = Object.entries(wanted).filter(([key, { item }]) => {
    const list: unknown = (value as Record<string, unknown>)[key];
    if (list === undefined) return true;
    if (Array.isArray(list) && list.some(one => isDeepStrictEqual(one, item))) return false;
    throw refuse(where);
  });
  if (missing.length === 0) return text;
  if (text.trimStart().startsWith('{')) throw refuse(where);
  const end = text.endsWith('\n') ? '' : '\n';
  const edited = text + end + missing.map(([key, { line }]) => `${key}:\n${line}`).join('');
  const added = Object.fromEntries(missing.map(([key, { item }]) => [key, [item]]));
  if (!isDeepStrictEqual(parseDocument(edited).toJS(), { ...value, ...added })) throw refuse(where);
  return edited;
}

function refuse(where: string): Fault {
  return new Fault('EDIT_REFUSED', {
    what: 'the gate is not switched on here, and what an edit would do to this file is not certain',
    where,
    expected: `components: [${gateFolder}] and replacements: [{path: ${gateFolder}/replacements.yaml}]`,
    next: 'add these two lines by hand, and run the command again',
  });
}
