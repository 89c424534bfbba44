import * as z from 'zod';
import { predicateTypes, resolvePredicateType } from '../model/statement.ts';
import { choice, duration, mapping, pattern, text, truth } from './text-types.ts';

const texts = () => z.array(text(), { error: 'expected a list' });

/** Known, and not done yet: better no verdict than one that leaves it out. */
const refused = (message: string) => z.never({ error: message }).optional();

const Identity = mapping({
  issuer: text().optional(),
  issuerRegExp: pattern().optional(),
  subject: text().optional(),
  subjectRegExp: pattern().optional(),
  oids: z.record(z.string(), text()).describe('what else the certificate must say, by name').optional(),
}).superRefine((one, context) => {
  if (one.issuer === undefined && one.issuerRegExp === undefined)
    context.addIssue({ code: 'custom', message: 'an identity needs an issuer or issuerRegExp' });
  if (one.subject === undefined && one.subjectRegExp === undefined)
    context.addIssue({ code: 'custom', message: 'an identity needs a subject or subjectRegExp' });
});

/** What is asked of scans alone. */
const scanKeys = ['scanners', 'maxAge', 'maxDatabaseAge', 'failOn', 'fixableOnly'] as const;

const Requirement = mapping({
  type: text(),
  by: texts().optional(),
  quorum: text()
    .regex(/^[1-9]\d?$/, 'expected a number from 1 to 99')
    .optional(),
  builders: texts().optional(),
  scanners: texts().optional(),
  maxAge: duration().optional(),
  maxDatabaseAge: duration().optional(),
  failOn: choice('negligible', 'low', 'medium', 'high', 'critical').optional(),
  fixableOnly: truth().optional(),
  vex: refused('VEX is not applied to what scanners found; take an exception with an end in policy.yaml'),
});

/** `promotion.yaml`: what the schema of policy.yaml cannot say. */
export const PromotionFile = mapping({
  extends: text().optional(),
  trust: z
    .array(
      text().refine(name => !name.startsWith('local'), 'a local trust root never counts for a promotion'),
    )
    .optional(),
  identities: z.record(z.string(), Identity).optional(),
  require: z.array(Requirement).optional(),
  include: texts().optional(),
  exclude: texts().optional(),
  ruleData: z.record(z.string(), z.unknown()).optional(),
  children: choice('own', 'inherit').optional(),
  rules: refused('rules of your own in CEL are not evaluated'),
  // What clusters let in is asked of the same identities, by another command.
  admission: z.unknown().optional(),
}).superRefine(({ identities = {}, require = [] }, context) => {
  const isScan = ({ type }: { type: string }) => resolvePredicateType(type) === predicateTypes.vuln;
  const firstScan = require.findIndex(isScan);
  for (const [index, one] of require.entries()) {
    const path = ['require', index];
    // Only one of two could count, and nobody would see which.
    if (isScan(one) && index !== firstScan)
      context.addIssue({
        code: 'custom',
        path: [...path, 'type'],
        message: `scans are demanded twice (first in require.${firstScan}); name all scanners and signers in one`,
      });
    // Builders are asked of all provenance together: a second list would widen the first.
    if (one.builders !== undefined && require.findIndex(({ builders }) => builders !== undefined) !== index)
      context.addIssue({
        code: 'custom',
        path: [...path, 'builders'],
        message: 'builders are named twice; name all of them in one requirement',
      });
    for (const key of scanKeys)
      if (!isScan(one) && one[key] !== undefined)
        context.addIssue({
          code: 'custom',
          path: [...path, key],
          message: 'only scans (type: vuln) have this',
        });
  }
  for (const [index, { by = [] }] of require.entries()) {
    for (const [at, name] of by.entries()) {
      if (Object.hasOwn(identities, name)) continue;
      context.addIssue({
        code: 'custom',
        path: ['require', index, 'by', at],
        message: `no identity is called "${name.slice(0, 80)}"`,
      });
    }
  }
});
export type PromotionFile = z.infer<typeof PromotionFile>;
