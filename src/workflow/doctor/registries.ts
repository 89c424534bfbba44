import { asFault, recordFault } from '../../ground/fault/render.ts';
import { listLogins } from '../list-logins.ts';
import { reachRegistries } from '../reach-registries.ts';
import { toRegistryName } from '../registry-name.ts';
import type { Finding, Machine } from './finding.ts';

const area = 'registries';
/** A clock that is further off makes tokens and certificates fail. */
const tolerance = 60_000;

/** Asks every registry that this machine has a login for, and says whether the login is accepted. */
export async function checkRegistries(machine: Machine): Promise<readonly Finding[]> {
  const logins = await listLogins(machine.env);
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
      noClock('no registry to compare it with; name one with --registry'),
    ];
  }
  if (machine.offline) {
    const skipped = hosts.map(host => ({
      area,
      check: host,
      health: 'skipped' as const,
      found: 'not asked: offline',
    }));
    return [...skipped, noClock('not compared: offline')];
  }
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

function noClock(found: string): Finding {
  return { area: 'this machine', check: 'clock', health: 'skipped', found };
}
