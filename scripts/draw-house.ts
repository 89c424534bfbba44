// Draws the six floors as an SVG, from the same data that the architecture test enforces.
import { house, type Wing } from '../test/house.ts';

const roomWidth = 186;
const roomHeight = 54;
const gap = 14;
/** Room between the floors for the arrows. */
const shaft = 46;
const left = 160;

const floorNames: Record<number, string> = {
  6: 'commands and pages',
  5: 'stories',
  4: 'delivery',
  3: 'judgement',
  2: 'bytes and files',
  1: 'ground',
};

export function drawHouse(): string {
  const floors = [6, 5, 4, 3, 2, 1];
  const rooms = floors.map(floor => house.filter(wing => wing.floor === floor && wing.folder !== ''));
  const width = left + Math.max(...rooms.map(row => row.length)) * (roomWidth + gap) + gap;
  const height = floors.length * (roomHeight + shaft) + gap;
  const rows = floors.map((floor, index) => {
    const top = topOf(floor);
    const label = `<text x="${gap}" y="${top + 24}" class="floor">${floor}</text><text x="${gap + 18}" y="${top + 24}" class="note">${floorNames[floor]}</text>`;
    return `${label}${(rooms[index] ?? []).map((wing, at) => drawRoom(wing, left + at * (roomWidth + gap), top)).join('')}<line x1="${gap}" x2="${width - gap}" y1="${top + roomHeight + shaft / 2}" y2="${top + roomHeight + shaft / 2}" class="slab"/>`;
  });
  const edges = drawEdges(rooms.flat());
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Six floors; imports only point down">
<style>
  svg { font: 13px ui-sans-serif, system-ui, sans-serif; background: #fff }
  rect { fill: #eef4fb; stroke: #2f6db3; rx: 6px }
  .name { font-weight: 600; fill: #16324f }
  .note { fill: #5a6b7b; font-size: 11px }
  .floor { font-weight: 700; fill: #2f6db3 }
  .slab { stroke: #d9e2ec }
  path { fill: none; stroke: #b5651d; stroke-width: 1.4; marker-end: url(#tip) }
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#b5651d;stroke:none;marker-end:none"/></marker></defs>
${rows.join('\n')}
${edges.join('\n')}
<text x="${gap}" y="${height - 6}" class="note">Arrows: edges between wings. Everything may import the ground and the model; workflow may import every wing, cli and dashboard only workflow.</text>
</svg>
`;
}

function drawRoom(wing: { folder: string; holds: string }, x: number, y: number): string {
  const holds = wing.holds.length > 29 ? `${wing.holds.slice(0, 28)}…` : wing.holds;
  return `<g><title>${wing.folder}: ${wing.holds}</title><rect x="${x}" y="${y}" width="${roomWidth}" height="${roomHeight}"/><text x="${x + 10}" y="${y + 22}" class="name">${wing.folder.replace(/\/$/, '')}</text><text x="${x + 10}" y="${y + 40}" class="note">${holds}</text></g>`;
}

function topOf(floor: number): number {
  return gap + (6 - floor) * (roomHeight + shaft);
}

function leftOf(wing: Wing): number {
  const row = house.filter(other => other.floor === wing.floor && other.folder !== '');
  return left + row.indexOf(wing) * (roomWidth + gap);
}

/** The edges that say something: from wing to wing, down or across. */
function drawEdges(wings: readonly Wing[]): string[] {
  return wings.flatMap(wing =>
    wing.floor > 4 && wing.folder !== 'delivery/'
      ? []
      : wings
          .filter(target => target.floor > 1 && target !== wing && wing.mayImport.includes(target.folder))
          .map(target => drawEdge(wing, target)),
  );
}

function drawEdge(from: Wing, to: Wing): string {
  const [x1, x2] = [leftOf(from) + roomWidth / 2, leftOf(to) + roomWidth / 2];
  const [y1, y2] = [topOf(from.floor), topOf(to.floor)];
  if (from.floor > to.floor)
    return `<path d="M${x1} ${y1 + roomHeight}C${x1} ${y1 + roomHeight + shaft} ${x2} ${y2 - shaft} ${x2} ${y2 - 2}"/>`;
  // On one floor the arrow goes below the rooms.
  const below = y1 + roomHeight;
  return `<path d="M${x1} ${below}C${x1} ${below + shaft * 0.7} ${x2} ${below + shaft * 0.7} ${x2} ${below + 2}"/>`;
}
