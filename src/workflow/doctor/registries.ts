import { readFile } from 'node:fs/promises';
import { asFault, recordFault } from '../../ground/fault/render.ts';
import { credentialFiles } from '../../image/oci/credentials/docker-config.ts';
import { credentialFromEnvironment } from '../../image/oci/credentials/environment.ts';
import { reachRegistries } from '../reach-registries.ts';
import { toRegistryName } from '../registry-name.ts';
import type { Finding, Machine } from './finding.ts';

const area = 'registries';
/** A clock that is further off makes tokens and certificates fail. */
const tolerance = 60_000;

/** Asks every registry that this machine has a login for, and says whether the login is accepted. */
export async function checkRegistries(machine: Machine): Promise<readonly Finding[]> {
  const logins = await listLogins(machine);
  const hosts = [...new Set([...logins, ...machine.registries.map(toRegistryName)])];
  if (hosts.length === 0) {
    return [
      {
        area,
        check: 'logins',
        health: 'missing',
        found: 'no login on this machine',
        fix: 'cg login REGISTRY, if yours needs one',
      },
    ];
  }
  if (machine.offline)
    return hosts.map(host => ({ area, check: host, health: 'skipped', found: 'not asked: offline' }));
  return (await Promise.all(hosts.map(host => checkRegistry(host, machine)))).flat();
}

async function checkRegistry(host: string, machine: Machine): Promise<readonly Finding[]> {
  try {
    return await reachRegistries(
      { ...machine, idleLimit: 5000, signal: AbortSignal.any([machine.signal, AbortSignal.timeout(15_000)]) },
      [host],
      async access => {
        const response = await access
          .session(host)
          .call({ path: '', repository: '', actions: 'none', what: 'a greeting', accept: [200] });
        response.discard();
        return [
          { area, check: host, health: 'ok' as const, found: 'answers, and accepts who we are' },
          ...checkClock(host, response.headers.date, machine),
        ];
      },
    );
  } catch (error) {
    machine.signal.throwIfAborted();
    const { code, what, next } = recordFault(asFault(error));
    return [
      {
        area,
        check: host,
        health: 'broken',
        found: `${code}: ${what}`,
        ...(next !== undefined && { fix: next }),
      },
    ];
  }
}

function checkClock(host: string, date: string | undefined, machine: Machine): readonly Finding[] {
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return [];
  const off = Math.round((machine.clock.now().getTime() - theirs) / 1000);
  const found =
    Math.abs(off) < 2
      ? `agrees with ${host}`
      : `${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} ${host}`;
  const isOff = Math.abs(off) * 1000 > tolerance;
  return [
    {
      area: 'this machine',
      check: 'clock',
      health: isOff ? 'broken' : 'ok',
      found,
      ...(isOff && { fix: 'set the clock: signatures and tokens live for minutes' }),
    },
  ];
}

/** Hosts in the files of docker, podman and skopeo, and those that CI variables name; never the secrets. */
async function listLogins({ env }: Machine): Promise<readonly string[]> {
  const hosts: string[] = [];
  for (const file of credentialFiles(env)) hosts.push(...(await hostsIn(file)));
  for (const host of ['ghcr.io', ...(env.CI_REGISTRY ? [env.CI_REGISTRY] : [])]) {
    if (credentialFromEnvironment(host, env) !== undefined) hosts.push(host);
  }
  return hosts.flatMap(host => {
    try {
      return [toRegistryName(host)];
    } catch {
      return [];
    }
  });
}

async function hostsIn(file: string): Promise<string[]> {
  try {
    const config = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    return ['auths', 'credHelpers'].flatMap(key =>
      typeof config[key] === 'object' && config[key] !== null ? Object.keys(config[key]) : [],
    );
  } catch {
    return [];
  }
}
