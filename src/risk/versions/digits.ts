/** Numbers of any length as digits: without leading zeros the longer one is greater; an empty run is zero. */
export function compareDigits(a: string, b: string): number {
  const [left, right] = [stripZeros(a), stripZeros(b)];
  if (left.length !== right.length) return left.length < right.length ? -1 : 1;
  return compareText(left, right);
}

/** By code units, as every version scheme means it; never by locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function sign(difference: number): number {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}

export function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

function stripZeros(digits: string): string {
  let at = 0;
  while (at < digits.length && digits.charCodeAt(at) === 48) at++;
  return digits.slice(at);
}
