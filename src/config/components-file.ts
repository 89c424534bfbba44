import * as z from 'zod';
import { isMapping, text } from './text-types.ts';

const Component = z.looseObject({
  name: text().optional(),
  containerImage: text(),
  source: z
    .looseObject({ git: z.looseObject({ url: text().optional(), revision: text().optional() }).optional() })
    .optional(),
});

/** The components file: which images, and from which commit each should be. Other tools keep more in it. */
export const ComponentsFile = z.preprocess(
  value => (isMapping(value) && isMapping(value['spec']) ? value['spec'] : value),
  z.looseObject({
    application: text().optional(),
    components: z
      .array(Component, { error: 'expected a list' })
      .min(1, 'names no component')
      .max(10_000, 'names more than 10000 components'),
  }),
);
export type ComponentsFile = z.infer<typeof ComponentsFile>;

export function pathInComponentsFile(path: readonly PropertyKey[], written: unknown): readonly PropertyKey[] {
  return isMapping(written) && isMapping(written['spec']) ? ['spec', ...path] : path;
}
