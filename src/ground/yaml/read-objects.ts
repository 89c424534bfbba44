import { type Document, parseAllDocuments } from 'yaml';
import { type ClusterObject, isObject } from '../../model/cluster-object.ts';
import { Fault } from '../fault/fault.ts';
import { isTooDeep } from './read-yaml.ts';

const largest = 4 * 1024 * 1024;

/** The objects of a YAML or JSON stream, with real numbers and truths in them, as Kubernetes reads it. */
export function readObjects(text: string, where: string): readonly ClusterObject[] {
  if (text.length > largest || isTooDeep(text))
    throw new Fault('LIMIT_EXCEEDED', { what: 'the manifests are too large or nested too deeply', where });
  const documents = parseAllDocuments(text, { prettyErrors: false });
  const all = Array.isArray(documents) ? documents : [];
  const broken = all.flatMap(({ errors }) => errors)[0];
  if (broken !== undefined)
    throw new Fault('FILE_INVALID', {
      what: `this is not YAML: ${broken.message.split('\n')[0] ?? ''}`,
      where,
    });
  const values = all.map(document => toValue(document, where));
  return values.flatMap(value => {
    if (value === null) return [];
    if (!isObject(value))
      throw new Fault('FILE_INVALID', {
        what: 'this is no object of Kubernetes',
        where,
        expected: 'apiVersion, kind',
      });
    return Array.isArray(value['items']) ? value['items'].filter(isObject) : [value];
  });
}

/** Aliases that multiply without end are refused by the reader, in its own words. */
function toValue(document: Document, where: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new Fault('FILE_INVALID', { what: 'the aliases in this YAML cannot be followed', where, cause });
  }
}
