import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand } from './expand.ts';
import { parseDockerfile } from './parse.ts';
import { findMentions } from './references.ts';
import { positionOf } from './source-text.ts';
import { readStages } from './stages.ts';

function parse(text: string) {
  const { dockerfile, problems } = parseDockerfile(text);
  const messages = problems.map(({ offset, message }) => {
    const { line, column } = positionOf(text, offset);
    return `${line}:${column} ${message}`;
  });
  return { ...dockerfile, messages };
}

function expanded(text: string, variables: Record<string, string> = {}): string {
  const result = expand(text, { variables: new Map(Object.entries(variables)), escape: '\\' });
  return 'value' in result ? result.value : `problem: ${result.problem}`;
}

describe('a Dockerfile', () => {
  it('is read line by line, continued lines joined, comments and blank lines in between dropped', () => {
    const { instructions, messages } = parse(
      'from a AS b\n# c\nrun one \\\n  # two\n\n  three\\\n four\nUSER x\n',
    );
    expect(messages).toEqual([]);
    expect(instructions.map(({ keyword, rest }) => [keyword, rest.text])).toEqual([
      ['FROM', 'a AS b'],
      ['RUN', 'one   three four'],
      ['USER', 'x'],
    ]);
  });

  it('keeps the escape character that its directive names', () => {
    const { instructions } = parse('# escape=`\nFROM a\nCOPY x `\n  c:\\\\\n');
    expect(instructions[1]?.rest.text).toBe('x   c:\\\\');
  });

  it('reads directives only at the very top', () => {
    expect(
      parse('# syntax=docker/dockerfile:1\n# check=skip=all\nFROM a').directives.map(d => d.name),
    ).toEqual(['syntax', 'check']);
    expect(parse('# hello\n# syntax=x\nFROM a').directives).toEqual([]);
    expect(parse('# escape=x\nFROM a').messages).toEqual([
      '1:1 the escape character must be \\ or `, not "x"',
    ]);
  });

  it('reads heredocs, several in one line, with and without their tabs and quotes', () => {
    const text = 'FROM a\nCOPY <<ONE <<-"TWO" /d/\n$x\nONE\n\ty\n\tTWO\nRUN <<E cat\nFROM z\nE\nUSER u';
    const { instructions, messages } = parse(text);
    expect(messages).toEqual([]);
    expect(instructions.map(({ keyword }) => keyword)).toEqual(['FROM', 'COPY', 'RUN', 'USER']);
    expect(instructions[1]?.heredocs.map(({ name, expands, content }) => [name, expands, content])).toEqual([
      ['ONE', true, '$x\n'],
      ['TWO', false, 'y\n'],
    ]);
    expect(instructions[2]?.heredocs[0]?.content).toBe('FROM z\n');
  });

  it('reads flags and the exec form', () => {
    const { instructions } = parse('FROM a\nCOPY --from=b --link ["x y", "/z"]\nCMD [not json]');
    expect(instructions[1]?.flags.map(({ name, value }) => [name, value])).toEqual([
      ['from', 'b'],
      ['link', undefined],
    ]);
    expect(instructions[1]?.json).toEqual(['x y', '/z']);
    expect(instructions[2]?.json).toBeUndefined();
  });

  it('says all that is wrong at once, and where', () => {
    expect(parse('ENV a=b\nFROM x\nFORM y\n  COPY --form=z a b\nRUN <<EOF\n').messages).toEqual([
      '3:1 "FORM" is no instruction; did you mean FROM?',
      '4:8 COPY has no flag --form; did you mean --from?',
      '5:1 the heredoc "EOF" has no end',
      '1:1 ENV stands before the first FROM; only ARG may',
    ]);
    expect(parse('# nothing\n').messages).toEqual(['1:1 has no FROM']);
  });

  it('never throws and never takes long, whatever the text', () => {
    const pieces = fc.constantFrom(
      'FROM a AS b\n',
      'ARG x=${y:-z}\n',
      '\\\n',
      '# escape=`\n',
      'COPY <<E a\n',
      'E\n',
      '"',
      '$',
      '{',
      '${',
      '`',
      ' ',
      'RUN ',
      '--mount=from=',
      '\t',
      '\r\n',
      '[',
      'é',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), parts => {
        const { dockerfile } = parseDockerfile(parts.join(''));
        for (const { range } of findMentions(dockerfile).mentions)
          if (range !== undefined) expect(range.end).toBeLessThanOrEqual(dockerfile.text.length);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

describe('variables', () => {
  const known = { x: 'abcabc', e: '' };
  it.each([
    ['$x ${x} $y|', 'abcabc abcabc |'],
    ['${x:-d} ${e:-d} ${e-d} ${y-d} ${y:-${x}}', 'abcabc d  d abcabc'],
    ['${x:+s} ${e:+s} ${e+s} ${y+s}|', 's  s |'],
    ['${x#a*c} ${x##a*c}| ${x%b*} ${x%%b*}', 'abc | abca a'],
    ['${x/b/-} ${x//b/-} ${x//a*c/}|', 'a-cabc a-ca-c |'],
    ['\\$x \\\\ "$x \\" \\n" \'$x "\'', '$x \\ abcabc " \\n $x "'],
    ['${y:?not here}', 'problem: wants the variable y: not here'],
    ['${x', 'problem: holds ${ without its }'],
    ['"x', 'problem: has a " without its end'],
    ['$', '$'],
  ])('%s becomes %s', (text, result) => {
    expect(expanded(text, known)).toBe(result);
  });

  it('in a heredoc leave quotes alone', () => {
    const result = expand('a "$x" \\$x \\n', {
      variables: new Map([['x', 'y']]),
      escape: '\\',
      keepQuotes: true,
    });
    expect(result).toEqual({ value: 'a "y" $x \\n' });
  });

  it('nested without end or growing without end are refused', () => {
    expect(expanded('${x:-'.repeat(100) + '}'.repeat(100))).toContain('problem');
    expect(expanded('$x'.repeat(60), { x: 'y'.repeat(50_000) })).toContain('problem');
    expect(expanded(`\${x/${'*a'.repeat(500)}/}`, { x: 'a'.repeat(5000) })).toContain('too costly');
  });
});

describe('the images that a Dockerfile names', () => {
  function mentions(text: string, o = {}): string[] {
    const { dockerfile } = parseDockerfile(text);
    return findMentions(dockerfile, o).mentions.map(({ kind, image, range, missing }) => {
      const place = range === undefined ? 'nowhere' : text.slice(range.start, range.end);
      return [kind, image, place, ...missing].join(' ');
    });
  }

  it('are bases, builders, copies, mounts and frontends, but never stages', () => {
    const text = `# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM golang:1.23 AS Build
RUN --mount=type=bind,from=busybox:1.36,target=/x true
FROM build AS test
FROM alpine:3.20
COPY --from=build /a /a
COPY --from=0 /a /a
COPY --from=ghcr.io/o/tool:1 /b /b
COPY --from=later /c /c
FROM scratch
`;
    expect(mentions(text, { target: '2' })).toEqual([
      'frontend docker/dockerfile:1 docker/dockerfile:1',
      'build golang:1.23 golang:1.23',
      'mount busybox:1.36 busybox:1.36',
      'base alpine:3.20 alpine:3.20',
      'copy ghcr.io/o/tool:1 ghcr.io/o/tool:1',
      'copy later later',
    ]);
  });

  it('in one variable are changed where it has its default', () => {
    expect(mentions('ARG V=20\nARG BASE=node:20\nFROM ${BASE}\nFROM node:$V\nFROM $NONE')).toEqual([
      'build node:20 node:20',
      'build node:20 nowhere',
      'base  nowhere NONE',
    ]);
  });

  it('follow the build arguments that are given', () => {
    expect(mentions('ARG V=20\nFROM node:$V', { buildArgs: { V: '22' } })).toEqual(['base node:22 nowhere']);
  });
});

describe('stages', () => {
  it('know their parents by name without case, and only earlier ones', () => {
    const { stages } = readStages(
      parseDockerfile('FROM a AS One\nFROM one AS two\nFROM three\nFROM x AS three').dockerfile,
    );
    expect(stages.map(({ parent }) => parent)).toEqual([undefined, 0, undefined, undefined]);
  });

  it('say what is wrong with a FROM', () => {
    const { problems } = readStages(parseDockerfile('FROM a b\nFROM a AS 1x\nFROM ${a').dockerfile);
    expect(problems.map(({ message }) => message)).toEqual([
      'FROM is written FROM [--platform=OS/ARCH] IMAGE [AS NAME]',
      '"1x" is no name for a stage: letters, digits, - _ . after a letter',
      'FROM holds ${ without its }',
    ]);
  });
});
