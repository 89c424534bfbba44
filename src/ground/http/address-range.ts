import { isIPv4, isIPv6 } from 'node:net';

export interface AddressRange {
  readonly bytes: readonly number[];
  readonly bits: number;
}

export function toRange(text: string): AddressRange {
  const [address = '', bits = ''] = text.split('/');
  return { bytes: toBytes(address) ?? [], bits: Number(bits) };
}

export function isIn(bytes: readonly number[], { bytes: base, bits }: AddressRange): boolean {
  if (bytes.length !== base.length) return false;
  return bytes.every((byte, at) => {
    const counted = Math.min(8, Math.max(0, bits - at * 8));
    const mask = 256 - 2 ** (8 - counted);
    return (byte & mask) === ((base[at] ?? 0) & mask);
  });
}

/** The 4 or 16 bytes of an address literal; an IPv4 address inside an IPv6 one is that IPv4 address. */
export function toBytes(address: string): readonly number[] | undefined {
  const plain = withoutBrackets(address).replace(/%.*$/, '').toLowerCase();
  if (isIPv4(plain)) return plain.split('.').map(Number);
  if (!isIPv6(plain)) return undefined;
  const bytes = readGroups(plain);
  return embedded(bytes) ?? bytes;
}

export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function readGroups(address: string): readonly number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [before = '', after] = hex.split('::');
  const groupsOf = (text: string): string[] => text.split(':').filter(Boolean);
  const [head, tail] = [groupsOf(before), groupsOf(after ?? '')];
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].flatMap(group => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** IPv4-mapped, IPv4-translated (RFC 6052, RFC 8215), 6to4 (RFC 3056) and the old IPv4-compatible form. */
function embedded(bytes: readonly number[]): readonly number[] | undefined {
  const starts = (...prefix: number[]): boolean => prefix.every((byte, at) => bytes[at] === byte);
  const zeros = [0, 0, 0, 0, 0, 0, 0, 0];
  if (starts(...zeros, 0, 0, 255, 255) || starts(...zeros, 255, 255, 0, 0)) return bytes.slice(12);
  if (starts(0, 0x64, 0xff, 0x9b)) return bytes.slice(12);
  if (starts(0x20, 0x02)) return bytes.slice(2, 6);
  if (starts(...zeros, 0, 0, 0, 0) && bytes.slice(12, 14).some(byte => byte !== 0)) return bytes.slice(12);
  return undefined;
}
