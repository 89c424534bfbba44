import type { z } from 'zod';

/** Other people's JSON leaves things out in two ways, `null` and not at all; here it is one. */
export function maybe<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform(value => value ?? undefined);
}
