import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

/** What was named; else promotion.yaml, which says more, or policy.yaml, where there is one. */
export async function findPolicy(o: {
  readonly cwd: string;
  readonly policy?: string;
  readonly promotion?: string;
}): Promise<{ readonly policy?: string; readonly promotion?: string }> {
  if (o.policy !== undefined || o.promotion !== undefined) return {};
  for (const key of ['promotion', 'policy'] as const) {
    const path = resolve(o.cwd, `${key}.yaml`);
    if ((await stat(path).catch(() => undefined))?.isFile() === true) return { [key]: path };
  }
  return {};
}
