import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP } from 'node:net';

/** Addresses that answer only to this machine's own cloud or link: metadata services live there. */
export function isForbiddenAddress(address: string): boolean {
  const plain = unwrapAddress(address);
  return (
    plain.startsWith('169.254.') ||
    plain.startsWith('0.') ||
    plain === '100.100.100.200' ||
    /^fe[89ab][0-9a-f]:/.test(plain) ||
    plain === 'fd00:ec2::254'
  );
}

export function isLoopbackAddress(address: string): boolean {
  const plain = unwrapAddress(address);
  return plain.startsWith('127.') || plain === '::1';
}

export function isLoopbackName(hostname: string): boolean {
  const plain = unwrapAddress(hostname);
  return plain === 'localhost' || plain.endsWith('.localhost') || isLoopbackAddress(plain);
}

/** `[::ffff:a9fe:a9fe]` and `::ffff:169.254.169.254` are the same place as `169.254.169.254`. */
function unwrapAddress(address: string): string {
  const plain = address.replace(/^\[|\]$/g, '').toLowerCase();
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (dotted !== undefined) return dotted;
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain);
  if (hex === null) return plain;
  const [high, low] = [Number.parseInt(hex[1] ?? '', 16), Number.parseInt(hex[2] ?? '', 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

export class ForbiddenAddress extends Error {
  readonly address: string;
  constructor(hostname: string, address: string) {
    super(`${hostname} is at ${address}`);
    this.address = address;
  }
}

/** Which addresses a hop may connect to. A stranger's redirect must not lead back into this machine. */
export interface Reach {
  readonly loopback: boolean;
}

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** Checks an address literal before, and every resolved address at the moment of connecting. */
export function guardedLookup(reach: Reach) {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const forbidden = addresses.find(({ address }) => !mayConnect(address, reach));
      if (forbidden !== undefined) return callback(new ForbiddenAddress(hostname, forbidden.address), []);
      if (options.all === true) return callback(null, addresses);
      const first = addresses[0];
      if (first === undefined) return callback(new Error(`${hostname} has no address`), []);
      callback(null, first.address, first.family);
    });
  };
}

export function checkLiteral(url: URL, reach: Reach): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if ((isIP(host) !== 0 || isLoopbackName(host)) && !mayConnect(host, reach)) {
    throw new ForbiddenAddress(url.hostname, host);
  }
}

function mayConnect(address: string, reach: Reach): boolean {
  return !isForbiddenAddress(address) && (reach.loopback || !isLoopbackName(address));
}
