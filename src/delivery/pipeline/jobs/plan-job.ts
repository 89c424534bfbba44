import type { Job } from '../model.ts';
import { job, of, step } from './making.ts';

export function planJob(event: 'pr' | 'merge'): Job {
  const plan = step(['ci', 'plan', '--event', event, '--out', of('output')]);
  const check = step(['pipeline', 'generate', '--platform', of('platform'), '--check']);
  const isMerge = event === 'merge';
  return {
    ...job('plan', event, 'trusted', 10, { contents: 'read', ...(isMerge && { registry: 'read' }) }),
    reasons: { registry: 'compare input hashes with what is already published' },
    steps: isMerge ? [{ ...plan, token: true }] : [check, plan],
    outputs: ['images', 'any', ...(isMerge ? ['kept'] : [])],
    history: true,
  };
}
