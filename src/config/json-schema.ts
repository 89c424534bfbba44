import * as z from 'zod';
import { ImagesFile } from './images-file.ts';
import { PolicyFile } from './policy-file.ts';
import { ProjectFile } from './project-file.ts';
import { PromotionFile } from './promotion-file.ts';

/** The schemas that editors use to complete and check the user's files. */
export function toSchemas(): { file: string; schema: unknown }[] {
  return [
    { file: 'cascadeguard.schema.json', schema: toSchema(ProjectFile, '.cascadeguard.yaml') },
    { file: 'images.schema.json', schema: toSchema(ImagesFile, 'images.yaml') },
    { file: 'policy.schema.json', schema: toSchema(PolicyFile, 'policy.yaml') },
    { file: 'promotion.schema.json', schema: toSchema(PromotionFile, 'promotion.yaml') },
  ];
}

function toSchema(schema: z.ZodType, title: string): unknown {
  const json = z.toJSONSchema(schema, {
    io: 'output',
    override: ({ jsonSchema }) => {
      allowBareScalars(jsonSchema);
      allowShortForm(jsonSchema);
    },
  });
  return { title, ...json };
}

/** Texts may be written without quotes: `tag: 3.20` is a number to an editor and a text to us. */
function allowBareScalars(schema: Record<string, unknown>): void {
  if (schema.type !== 'string' || schema.enum !== undefined) return;
  schema.type = ['string', 'number', 'boolean'];
}

/** `quarantine: 48h` beside `quarantine: {period: 48h}`, and a bare list beside `images:`. */
function allowShortForm(schema: Record<string, unknown>): void {
  const key = schema.shorthand;
  delete schema.shorthand;
  if (typeof key !== 'string') return;
  const long = { ...schema };
  for (const name of Object.keys(schema)) delete schema[name];
  const short = (long.properties as Record<string, unknown> | undefined)?.[key];
  Object.assign(schema, { anyOf: [long, short] });
}
