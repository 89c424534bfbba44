import { isLoopbackName } from './address.ts';
import { parseUrl } from './redact-url.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that the environment names for a URL, as curl and Go read the variables; none for this machine. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  if (isLoopbackName(url.hostname)) return undefined;
  const names =
    url.protocol === 'https:'
      ? ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']
      : ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
  const text = names.map(name => env[name]).find(value => value !== undefined && value !== '');
  if (text === undefined || bypasses(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return undefined;
  const proxy = parseUrl(text.includes('://') ? text : `http://${text}`);
  return proxy !== undefined && /^https?:$/.test(proxy.protocol) ? proxy : undefined;
}

/** `NO_PROXY`: names (with everything below them), `*`, addresses, `host:port` and IPv4 ranges. */
function bypasses(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .some(entry => {
      if (entry === '*') return true;
      if (/^\d+(\.\d+){3}\/\d+$/.test(entry)) return isInRange(host, entry);
      const [, name = '', onlyPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
      if (onlyPort !== undefined && !name.includes(':') && onlyPort !== port) return false;
      const suffix = name.replace(/^\*?\./, '');
      return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
    });
}

function isInRange(host: string, range: string): boolean {
  const [base = '', bits = ''] = range.split('/');
  const [address, start] = [toNumber(host), toNumber(base)];
  if (address === undefined || start === undefined || Number(bits) > 32) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(address / size) === Math.floor(start / size);
}

function toNumber(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some(part => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
