import type { Parsed } from './parsed.ts';

const factors: Record<string, number> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** `500MB`, `2GiB`, `1.5g`, or a bare number of bytes. */
export function parseByteSize(text: string): Parsed<number> {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]i?)?b?$/i.exec(text.trim());
  const value = Math.round(Number(match?.[1]) * (factors[(match?.[2] ?? '').toLowerCase()] ?? Number.NaN));
  if (Number.isSafeInteger(value)) return { value };
  return { problem: `"${text}" is not a size: write 500MB, 2GiB or a number of bytes` };
}
