import { stringify } from 'yaml';

/** Objects as one stream; texts are quoted wherever a reader of YAML 1.1, as Kubernetes has, would take them for something else. */
export function printYaml(objects: readonly object[]): string {
  const options = { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;
  return objects.map(object => stringify(object, options)).join('---\n');
}
