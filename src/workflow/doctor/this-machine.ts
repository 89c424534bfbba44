import { statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { formatBytes } from '../../ground/terminal/amounts.ts';
import type { Finding, Machine } from './finding.ts';

const area = 'this machine';
const littleSpace = 2e9;

export async function checkThisMachine(machine: Machine): Promise<readonly Finding[]> {
  return [checkNode(), checkProxy(machine), await checkDisk(machine)];
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > 20 || (major === 20 && minor >= 19);
  const found = `${process.versions.node} at ${process.execPath}`;
  if (!isNew)
    return {
      area,
      check: 'node',
      health: 'broken',
      found,
      fix: 'install Node 24 from https://nodejs.org; 20.19 is the oldest that works',
    };
  // Version 20 gets no security fixes any more.
  return major < 22
    ? {
        area,
        check: 'node',
        health: 'missing',
        found: `${found}, past its end of life`,
        fix: 'it works; Node 24 also gets security fixes: https://nodejs.org',
      }
    : { area, check: 'node', health: 'ok', found };
}

function checkProxy({ env }: Machine): Finding {
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy'].filter(
    name => env[name],
  );
  // Addresses of proxies hold passwords: only the names are shown.
  return {
    area,
    check: 'network',
    health: 'ok',
    found: names.length === 0 ? 'no proxy is set' : `proxy set by ${names.join(', ')}`,
  };
}

async function checkDisk({ env }: Machine): Promise<Finding> {
  const home = env.HOME || homedir();
  try {
    const { bavail, bsize } = await statfs(home);
    const free = bavail * bsize;
    const found = `${formatBytes(free)} free at ${home}`;
    return free < littleSpace
      ? { area, check: 'disk', health: 'broken', found, fix: 'make room: images need some gigabytes' }
      : { area, check: 'disk', health: 'ok', found };
  } catch {
    return {
      area,
      check: 'disk',
      health: 'broken',
      found: `${home} cannot be read`,
      fix: 'set HOME to a folder of yours',
    };
  }
}
