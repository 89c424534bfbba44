/**
 * The names of distributions that scanners look their advisories up by, where they are not the ID of os-release:
 * under any other name Trivy reports nothing at all.
 */
const families: Readonly<Record<string, string>> = {
  rhel: 'redhat',
  almalinux: 'alma',
  amzn: 'amazon',
  ol: 'oracle',
  mariner: 'cbl-mariner',
};
const ids = new Map(Object.entries(families).map(([id, family]) => [family, id]));

export function toFamily(id: string): string {
  return Object.hasOwn(families, id) ? (families[id] ?? id) : id;
}

export function fromFamily(family: string): string {
  return ids.get(family) ?? family;
}
