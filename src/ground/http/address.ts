import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { isIn, toBytes, toRange, withoutBrackets } from './address-range.ts';

const loopback = ['127.0.0.0/8', '::1/128'].map(toRange);

/** Link-local, unspecified, and where AWS, Google, Azure, Alibaba and Oracle tell a machine its secrets. */
const forbidden = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  '::/128',
  'fe80::/10',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
].map(toRange);

/** Addresses that answer only to this machine's own cloud or link: metadata services live there. */
export function isForbiddenAddress(address: string): boolean {
  const bytes = toBytes(address);
  return bytes !== undefined && forbidden.some(range => isIn(bytes, range));
}

export function isLoopbackAddress(address: string): boolean {
  const bytes = toBytes(address);
  return bytes !== undefined && loopback.some(range => isIn(bytes, range));
}

export function isLoopbackName(hostname: string): boolean {
  const plain = withoutBrackets(hostname).toLowerCase().replace(/\.$/, '');
  return plain === 'localhost' || plain.endsWith('.localhost') || isLoopbackAddress(plain);
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
  const host = withoutBrackets(url.hostname);
  if ((isIP(host) !== 0 || isLoopbackName(host)) && !mayConnect(host, reach)) {
    throw new ForbiddenAddress(url.hostname, host);
  }
}

function mayConnect(address: string, reach: Reach): boolean {
  return !isForbiddenAddress(address) && (reach.loopback || !isLoopbackName(address));
}
