import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { median } from './median.ts';
import type { Row } from './row.ts';

export const name = 'start-up';

const program = join(import.meta.dirname, '../dist/cg.js');
const empty = join(import.meta.dirname, 'empty.mjs');
const runs = 31;
const budget = 15;

/** Bare node and the bundle in turns, so that a machine that slows down slows both; medians, because noise only adds. */
export async function run(): Promise<Row[]> {
  return ['--help', '--version'].map(flag => {
    const bare: number[] = [];
    const ours: number[] = [];
    for (let turn = 0; turn < runs; turn++) {
      bare.push(time([empty]));
      ours.push(time([program, flag]));
    }
    const [own, peer] = [median(ours), median(bare)];
    const extra = own - peer;
    return {
      what: `cg ${flag}, over bare node (${peer.toFixed(1)} ms)`,
      ours: extra,
      peer: budget,
      peerName: 'budget',
      unit: 'ms',
      ratio: budget / extra,
      target: 1,
      ok: extra <= budget,
    };
  });
}

function time(args: readonly string[]): number {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore', env: { PATH: process.env.PATH } });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}
