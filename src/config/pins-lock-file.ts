import * as z from 'zod';
import { mapping, text } from './text-types.ts';

const commit = () => text().regex(/^[0-9a-f]{40}$/, 'expected a commit: 40 hexadecimal places');
const digest = () => text().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal places');
const version = () => text().regex(/^[\w.+-]{1,128}$/, 'expected a tag');

const LockedPin = mapping({
  version: version().optional(),
  sha: commit().optional(),
  digest: digest().optional(),
  /** What `ci.image` said when this took its place. */
  instead: digest().optional(),
  firstSeen: text(),
  source: text(),
}).refine(pin => (pin.sha === undefined) !== (pin.digest === undefined), 'expected either sha or digest');
export type LockedPin = z.infer<typeof LockedPin>;

/** `.cascadeguard/pins.lock.json`: pins that were raised in generated files, and are kept when those are made again. */
export const PinsLockFile = mapping({
  version: text().refine(value => value === '1', 'expected version 1'),
  pins: z.record(z.string().regex(/^[\w./:-]{1,255}$/, 'expected the name of an action or image'), LockedPin),
});
export type PinsLockFile = z.infer<typeof PinsLockFile>;
