import { stringify } from 'yaml';

/** The report with its keys in order; every text that YAML could take for something else is quoted. */
export function renderYaml(report: object): string {
  return stringify(JSON.parse(JSON.stringify(report)), {
    sortMapEntries: true,
    lineWidth: 0,
    aliasDuplicateObjects: false,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  }).replace(hazards, character => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

// The serialiser quotes texts with controls of ASCII; these it lets through, and they belong in double quotes.
const hazards = /[\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
