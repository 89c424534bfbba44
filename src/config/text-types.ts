import * as z from 'zod';
import { parseDuration } from '../model/duration.ts';
import { problemOfPattern } from '../model/linear-pattern.ts';

/** Values reach the schemas as the text that was written; these types say what the text means. */

export const text = () =>
  z.string({ error: issue => `expected a text, found ${kindOf(issue.input)}` }).min(1);

export const truth = () =>
  z.preprocess(
    readTruth,
    z.boolean({ error: issue => `expected true or false, found ${describe(issue.input)}` }),
  );

export const duration = () =>
  text()
    .superRefine((value, context) => {
      const parsed = parseDuration(value);
      if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem });
    })
    .meta({ examples: ['48h', '7d', '1d12h', 'P7D', '0'] });

export const choice = <const C extends readonly [string, ...string[]]>(...choices: C) =>
  z.enum(choices, {
    error: issue => `expected one of ${choices.join(', ')}, found ${describe(issue.input)}`,
  });

/** A regular expression that people wrote, in the syntax of RE2: it is matched in linear time, whatever it is. */
export const pattern = () =>
  text().superRefine((value, context) => {
    const problem = problemOfPattern(value);
    if (problem !== undefined) {
      context.addIssue({ code: 'custom', message: `not a regular expression (RE2 syntax): ${problem}` });
    }
  });

/** A path below the repository: never absolute, never through a parent folder. */
export const innerPath = () =>
  text().superRefine((value, context) => {
    const isOutside =
      /^(?:[/\\]|[a-z]:)/i.test(value) || value.split(/[/\\]/).includes('..') || value.includes('\0');
    if (isOutside)
      context.addIssue({
        code: 'custom',
        message: `the path "${value}" must stay inside the repository: relative, without ".."`,
      });
  });

/** A program and its arguments, without a shell: a list, or one word. */
export const words = () =>
  z.preprocess(
    value => (typeof value === 'string' ? [value] : value),
    z
      .array(text(), {
        error: issue => `expected a list of words, as in [npm, test], found ${kindOf(issue.input)}`,
      })
      .min(1)
      .refine(([program = '']) => !/\s/.test(program), {
        error: 'is no shell line: write every word by itself, as in [npm, test]',
      }),
  );

export const mapping = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape);

/** A mapping that may be written as one value: `quarantine: 48h` is `quarantine: {period: 48h}`. */
export const shorthand = <S extends z.ZodRawShape>(key: string & keyof S, shape: S) =>
  z
    .preprocess(value => (isMapping(value) || value === undefined ? value : { [key]: value }), mapping(shape))
    .meta({ shorthand: key });

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readTruth(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^(?:true|yes|on)$/i.test(value)) return true;
  return /^(?:false|no|off)$/i.test(value) ? false : value;
}

export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isMapping(value)) return 'a mapping';
  return value === undefined || value === null ? 'nothing' : 'a text';
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 100)}"` : kindOf(value);
}
