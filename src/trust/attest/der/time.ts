import { DerError } from './der-error.ts';

const shapes: Readonly<Record<number, RegExp>> = {
  0x17: /^(?<year>\d{2})(?<rest>\d{10})Z$/,
  // A fraction of any length; DER drops its trailing zeros (X.690 §11.7).
  0x18: /^(?<year>\d{4})(?<rest>\d{10})(?:\.(?<fraction>\d{1,9}))?Z$/,
};

/** UTCTime or GeneralizedTime, always in UTC with seconds. */
export function parseTime(tag: number, content: Buffer): Date {
  const groups = shapes[tag]?.exec(content.toString('latin1'))?.groups;
  if (groups === undefined) throw new DerError('not a time');
  const { year = '', rest = '', fraction = '' } = groups;
  const [month, day, hour, minute, second] = (rest.match(/\d\d/g) ?? []).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3));
  const at = new Date(Date.UTC(fullYear(year), month - 1, day, hour, minute, second, milliseconds));
  const isReal = at.getUTCMonth() === month - 1 && at.getUTCDate() === day && hour < 24 && minute < 60;
  if (!isReal || second >= 60) throw new DerError('a time that does not exist');
  return at;
}

function fullYear(text: string): number {
  const year = Number(text);
  if (text.length === 4) return year;
  // RFC 5280 §4.1.2.5.1
  return year >= 50 ? 1900 + year : 2000 + year;
}
