import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPlainYaml } from './read-plain-yaml.ts';
import { readYaml } from './read-yaml.ts';

const written = `name: svc-1
enrolledAt: "2026-03-01T00:00:00Z"
registry: "127.0.0.1:44363"
tag: latest
version: 3.20
baseImages: [ "127.0.0.1-os-1", debian-12 ]
empty: []
bases:
  - { ref: "127.0.0.1:44363/os:1", base: os, line: 1, pinned: null }
  - plain
enrollment:
  repository: shop/svc-1
  deeper:
    none: {}
currentDigest: null
lastBuilt:
`;

/** Pieces of which texts are made that are nearly in the plain form. */
const piece = fc.constantFrom(
  ...[
    'a',
    'b',
    'null',
    'Null',
    '~',
    '"',
    '"x y"',
    '"\\n"',
    "'q'",
    ': ',
    ':',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    ' ',
  ],
  ...[
    '[',
    ']',
    '{',
    '}',
    ', ',
    ',',
    '#',
    ' # c',
    '&a',
    '*a',
    '<<',
    '!t',
    '|',
    '>',
    '\t',
    '?',
    '---',
    '3.20',
    'é',
  ],
);

const params = { seed: 11, numRuns: 20_000 };

describe('the plain form of YAML', () => {
  it('is read as any YAML is', () => {
    const value = readPlainYaml(written);
    expect(value).toEqual(readYaml(written).value);
    expect(value).toMatchObject({ version: '3.20', bases: [{ line: '1' }, 'plain'] });
  });

  it('gives what readYaml gives, or nothing, for every text', () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), pieces => {
        const text = `a: ${pieces.join('')}\n`;
        const value = readPlainYaml(text);
        if (value === undefined) return;
        plain++;
        const { value: expected, problems } = readYaml(text);
        expect({ text, value, problems }).toEqual({ text, value: expected ?? {}, problems: [] });
      }),
      params,
    );
    expect(plain).toBeGreaterThan(200);
  });

  it('and for every change of one character of a file that we wrote', () => {
    const characters = fc.constantFrom(...' \n"\'[]{},:#&*!|>-?~\\\t0aZ');
    fc.assert(
      fc.property(fc.nat(written.length - 1), characters, fc.boolean(), (at, character, inserts) => {
        const text = written.slice(0, at) + character + written.slice(at + (inserts ? 0 : 1));
        const value = readPlainYaml(text);
        if (value === undefined) return;
        const { value: expected, problems } = readYaml(text);
        expect({ text, value, problems }).toEqual({ text, value: expected, problems: [] });
      }),
      { ...params, numRuns: 5_000 },
    );
  });
});
