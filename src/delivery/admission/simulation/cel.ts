import {
  type ASTNode,
  TypeError as CelTypeError,
  Environment,
  EvaluationError,
  ParseError,
} from '@marcbachmann/cel-js';
import { Fault } from '../../../ground/fault/fault.ts';
import { matchesWholePattern, PatternError } from '../../../model/linear-pattern.ts';

/** An expression of a policy, ready to be evaluated. */
export type Expression = (values: Readonly<Record<string, unknown>>) => unknown;

/** What an expression may use beside the language: variables by their type, functions by their signature. */
export interface Vocabulary {
  readonly variables: Readonly<Record<string, string>>;
  readonly functions: Readonly<Record<string, (...args: never[]) => unknown>>;
}

/** The expression ran into an error, which `failurePolicy: Fail` makes a refusal. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

const longestExpression = 10_000;

/** Compiles with types checked; whatever this does not know is refused by name, and never guessed. */
export function compileExpression(
  text: string,
  { variables, functions }: Vocabulary,
  where: string,
): Expression {
  const environment = new Environment();
  for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type);
  for (const [signature, call] of Object.entries({ ...ownFunctions, ...functions }))
    environment.registerFunction(signature, call as (...args: unknown[]) => unknown);
  try {
    if (text.length > longestExpression) throw new Error(`it is longer than ${longestExpression} characters`);
    const program = environment.parse(useLinearPatterns(text, environment.parse(text).ast));
    const { valid, error } = program.check();
    if (!valid) throw error ?? new Error('its types do not fit');
    return values => run(program, values, text, where);
  } catch (error) {
    throw cannotSimulate(text, error, where);
  }
}

function run(
  program: (values: Record<string, unknown>) => unknown,
  values: object,
  text: string,
  where: string,
): unknown {
  try {
    return program({ ...values });
  } catch (error) {
    if (error instanceof EvaluationError) throw new ExpressionError(firstLine(error.message));
    if (error instanceof ParseError || error instanceof CelTypeError || error instanceof PatternError)
      throw cannotSimulate(text, error, where);
    throw error;
  }
}

/** Functions of Kubernetes that the language itself does not have. */
const ownFunctions: Vocabulary['functions'] = {
  'list<dyn>.join(string): string': (list: readonly unknown[], separator: string) => list.join(separator),
  // Like RE2, anywhere in the text, in linear time.
  'string.matchesLinearly(string): bool': (text: string, pattern: string) =>
    matchesWholePattern(`(?:.|\\n)*(?:${pattern})(?:.|\\n)*`, text),
};

/** Replaces the library's `matches`, which backtracks and speaks the patterns of JavaScript. */
function useLinearPatterns(text: string, root: ASTNode): string {
  const places: number[] = [];
  const waiting: unknown[] = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (Array.isArray(node)) waiting.push(...node.filter(item => item !== undefined));
    if (!isNode(node)) continue;
    if (node.op === 'rcall' && node.args[0] === 'matches') {
      const after = node.args[1].range.end;
      const name = /^[\s)]*\.\s*/.exec(text.slice(after));
      if (name !== null) places.push(after + name[0].length);
    }
    waiting.push(node.args);
  }
  return places
    .toSorted((a, b) => b - a)
    .reduce(
      (result, place) => `${result.slice(0, place)}matchesLinearly${result.slice(place + 'matches'.length)}`,
      text,
    );
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function cannotSimulate(text: string, error: unknown, where: string): Fault {
  return new Fault('POLICY_UNSUPPORTED', {
    what: `cannot simulate this expression: ${text.slice(0, 300)}`,
    where,
    actual: firstLine(error instanceof Error ? error.message : String(error)),
    expected: 'what cg admission generate writes',
    next: 'generate the file again: cg admission generate',
  });
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 300);
}
