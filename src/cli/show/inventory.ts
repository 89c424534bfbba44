import { formatCount } from '../../ground/terminal/amounts.ts';
import type { Style } from '../../ground/terminal/style.ts';
import { formatTable } from '../../ground/terminal/table.ts';
import { type Inventory, packageName } from '../../model/inventory.ts';

/** An inventory, counted: what it is of, how many packages of which kind, and what is not known. */
export function renderInventory(inventory: Inventory, style: Style): string {
  const { subject, distribution, packages, problems } = inventory;
  const about = [
    distribution === undefined ? 'no distribution' : (distribution.name ?? distribution.id),
    ...(subject.platform === undefined ? [] : [subject.platform]),
    ...(subject.layers.length === 0 ? [] : [formatCount(subject.layers.length, 'layer')]),
    formatCount(packages.length, 'package'),
  ];
  return [
    `${style.bold(subject.name)}`,
    `  ${about.join(', ')}`,
    ...(packages.length === 0 ? [] : [formatTable(countRows(inventory), '  ', style.columns)]),
    ...problems.slice(0, 20).map(({ path, message }) => `  ${style.yellow('!')} ${path}: ${message}`),
    ...(problems.length > 20 ? [`  ${style.yellow('!')} and ${problems.length - 20} more problems`] : []),
  ].join('\n');
}

function countRows({ packages, subject }: Inventory): string[][] {
  const knowsBase = subject.layers.some(({ inherited }) => inherited);
  const types = [...new Set(packages.map(({ type }) => type))].sort();
  return types.map(type => {
    const own = packages.filter(found => found.type === type);
    const inherited = own.filter(({ layer }) => layer?.inherited === true).length;
    return [type, String(own.length), knowsBase ? `${inherited} from the base image` : ''];
  });
}

/** Every package in a line. */
export function renderPackageTable({ packages, subject }: Inventory): string {
  const knowsBase = subject.layers.some(({ inherited }) => inherited);
  const rows = packages.map(found => [
    found.type,
    packageName(found),
    found.version || '-',
    ...(knowsBase ? [found.layer?.inherited === true ? 'base' : 'own'] : []),
    found.path,
  ]);
  return formatTable([['TYPE', 'NAME', 'VERSION', ...(knowsBase ? ['FROM'] : []), 'PATH'], ...rows]);
}
