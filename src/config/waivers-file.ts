import { resolve } from 'node:path';
import * as z from 'zod';
import { Fault } from '../ground/fault/fault.ts';
import { readConfig } from './read-config.ts';
import { choice, mapping, text } from './text-types.ts';

const justifications = [
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
] as const;

/** A day means its end in UTC, so that a waiver holds on the day that it names. */
const Expiry = text().transform((value, context) => {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(value);
  const time = new Date(isDay ? `${value}T23:59:59Z` : value);
  const isReal = !Number.isNaN(time.getTime()) && (!isDay || time.toISOString().startsWith(value));
  if (isReal && (isDay || /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(value))) return time;
  context.addIssue({
    code: 'custom',
    message: `"${value}" is no date: write 2026-12-31 or 2026-12-31T12:00:00Z`,
  });
  return z.NEVER;
});

const Entry = mapping({
  id: text(),
  kind: choice('accepted', 'not_affected', 'false_positive'),
  justification: choice(...justifications).optional(),
  packages: z.array(text()).optional(),
  images: z.array(text()).optional(),
  paths: z.array(text()).optional(),
  reason: text(),
  owner: text(),
  expires: Expiry,
}).superRefine(({ kind, justification }, context) => {
  if (kind === 'not_affected' && justification === undefined) {
    context.addIssue({
      code: 'custom',
      message: `not_affected needs a "justification": one of ${justifications.join(', ')}`,
    });
  }
});

/** `waivers.yaml`: accepted risks. Reason, owner and expiry are never optional. */
export const WaiversFile = mapping({ version: choice('1'), waivers: z.array(Entry) });
export type WaiversFile = z.infer<typeof WaiversFile>;

export const waiversFileName = 'waivers.yaml';

/** The waivers of a file that was named, or of waivers.yaml when there is one. */
export async function readWaivers(file: string | undefined, cwd: string): Promise<WaiversFile['waivers']> {
  const path = resolve(cwd, file ?? waiversFileName);
  const config = await readConfig(path, WaiversFile);
  if (config !== undefined) return config.value.waivers;
  if (file === undefined) return [];
  throw new Fault('FILE_MISSING', { what: 'the file of waivers is not there', where: path });
}
