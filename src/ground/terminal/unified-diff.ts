/** Beyond this, lines in the middle are shown as taken out and put in, without looking for what they share. */
const mostPairs = 4_000_000;
const around = 3;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** What makes one text of the other, as `diff -u` writes it; empty when they are the same. */
export function diffTexts(name: string, before: string | undefined, after: string | undefined): string {
  if (before === after) return '';
  const lines = compareLines(linesOf(before), linesOf(after));
  const head = [
    `--- ${before === undefined ? '/dev/null' : `a/${name}`}`,
    `+++ ${after === undefined ? '/dev/null' : `b/${name}`}`,
  ];
  return `${[...head, ...hunksOf(lines)].join('\n')}\n`;
}

function linesOf(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') return lines.slice(0, -1);
  return [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`];
}

function compareLines(before: readonly string[], after: readonly string[]): readonly Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++;
  const same = (text: string): Line => ({ mark: ' ', text });
  return [
    ...before.slice(0, start).map(same),
    ...compareMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function compareMiddle(before: readonly string[], after: readonly string[]): readonly Line[] {
  if (before.length * after.length > mostPairs) {
    return [
      ...before.map((text): Line => ({ mark: '-', text })),
      ...after.map((text): Line => ({ mark: '+', text })),
    ];
  }
  const width = after.length + 1;
  const longest = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        before[i] === after[j]
          ? 1 + (longest[(i + 1) * width + j + 1] ?? 0)
          : Math.max(longest[(i + 1) * width + j] ?? 0, longest[i * width + j + 1] ?? 0);
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old, fresh] = [before[i], after[j]];
    if (old !== undefined && old === fresh) {
      lines.push({ mark: ' ', text: old });
      i++;
      j++;
    } else if (
      old !== undefined &&
      (fresh === undefined || (longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0))
    ) {
      lines.push({ mark: '-', text: old });
      i++;
    } else {
      lines.push({ mark: '+', text: fresh ?? '' });
      j++;
    }
  }
  return lines;
}

function hunksOf(lines: readonly Line[]): readonly string[] {
  const changed = lines.flatMap(({ mark }, at) => (mark === ' ' ? [] : [at]));
  const ranges: [number, number][] = [];
  for (const at of changed) {
    const last = ranges.at(-1);
    if (last !== undefined && at - around <= last[1]) last[1] = at + around + 1;
    else ranges.push([at - around, at + around + 1]);
  }
  return ranges.flatMap(([from, to]) => hunkOf(lines, Math.max(0, from), Math.min(lines.length, to)));
}

function hunkOf(lines: readonly Line[], from: number, to: number): readonly string[] {
  const count = (part: readonly Line[], mark: '-' | '+') =>
    part.filter(line => line.mark === ' ' || line.mark === mark).length;
  const [ahead, shown] = [lines.slice(0, from), lines.slice(from, to)];
  const range = (mark: '-' | '+') => {
    const length = count(shown, mark);
    return `${count(ahead, mark) + (length === 0 ? 0 : 1)},${length}`;
  };
  return [`@@ -${range('-')} +${range('+')} @@`, ...shown.map(({ mark, text }) => `${mark}${text}`)];
}
