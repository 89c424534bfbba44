// Draws the six floors as an SVG, from the same data that the architecture test enforces.
import { house } from '../test/house.ts';

const roomWidth = 150;
const roomHeight = 54;
const gap = 12;
const left = 120;

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
  const height = floors.length * (roomHeight + 3 * gap) + gap;
  const rows = floors.map((floor, index) => {
    const top = gap + index * (roomHeight + 3 * gap);
    const label = `<text x="${gap}" y="${top + 24}" class="floor">${floor}</text><text x="${gap + 18}" y="${top + 24}" class="note">${floorNames[floor]}</text>`;
    return `${label}${(rooms[index] ?? []).map((wing, at) => drawRoom(wing, left + at * (roomWidth + gap), top)).join('')}<line x1="${gap}" x2="${width - gap}" y1="${top + roomHeight + gap + 4}" y2="${top + roomHeight + gap + 4}" class="slab"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Six floors; imports only point down">
<style>
  svg { font: 13px ui-sans-serif, system-ui, sans-serif; background: #fff }
  rect { fill: #eef4fb; stroke: #2f6db3; rx: 6px }
  .name { font-weight: 600; fill: #16324f }
  .note { fill: #5a6b7b; font-size: 11px }
  .floor { font-weight: 700; fill: #2f6db3 }
  .slab { stroke: #c9d6e3 }
</style>
${rows.join('\n')}
</svg>
`;
}

function drawRoom(wing: { folder: string; holds: string }, x: number, y: number): string {
  const holds = wing.holds.length > 24 ? `${wing.holds.slice(0, 23)}…` : wing.holds;
  return `<g><title>${wing.folder}: ${wing.holds}</title><rect x="${x}" y="${y}" width="${roomWidth}" height="${roomHeight}"/><text x="${x + 10}" y="${y + 22}" class="name">${wing.folder.replace(/\/$/, '')}</text><text x="${x + 10}" y="${y + 40}" class="note">${holds}</text></g>`;
}
