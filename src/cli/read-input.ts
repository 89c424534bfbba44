import { parseArgs } from 'node:util';
import { Fault } from '../ground/fault/fault.ts';
import { parseByteSize } from '../model/byte-size.ts';
import { parseDuration } from '../model/duration.ts';
import { nearest } from '../model/nearest.ts';
import type { Parsed } from '../model/parsed.ts';
import type { Argument, Flag, Flags, Input, NumberFlag } from './command.ts';
import { flagName } from './flag-name.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Turns the words after the command into typed values, or says which word is wrong and what was meant. */
export function readInput<F extends Flags>(
  usage: { readonly name: string; readonly flags: F; readonly args: readonly Argument[] },
  words: readonly string[],
  env: Env,
): Input<F> {
  const { given, args } = splitWords(usage, words);
  const values = Object.fromEntries(
    Object.entries(usage.flags).map(([key, flag]) => [
      key,
      readFlag(usage.name, key, flag, given.get(key), env),
    ]),
  );
  checkArguments(usage, args);
  return { flags: values as Input<F>['flags'], args };
}

function splitWords(
  usage: { readonly name: string; readonly flags: Flags },
  words: readonly string[],
): { given: Map<string, (string | boolean)[]>; args: string[] } {
  const keys = new Map(Object.keys(usage.flags).map(key => [flagName(key).slice(2), key]));
  const options = Object.fromEntries(
    Object.entries(usage.flags).map(([key, flag]) => [
      flagName(key).slice(2),
      {
        type: flag.kind === 'toggle' ? ('boolean' as const) : ('string' as const),
        multiple: true,
        ...(flag.short && { short: flag.short }),
      },
    ]),
  );
  const { tokens } = parseArgs({
    args: [...words],
    options,
    strict: false,
    tokens: true,
    allowNegative: true,
  });
  const given = new Map<string, (string | boolean)[]>();
  const args: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value);
    if (token.kind !== 'option') continue;
    const negated = token.rawName.startsWith('--no-') && !keys.has(token.name);
    const key = keys.get(negated ? token.name.replace(/^no-/, '') : token.name);
    const flag = key === undefined ? undefined : usage.flags[key];
    if (key === undefined || flag === undefined || (negated && flag.kind !== 'toggle'))
      throw unknownFlag(usage, token.rawName, keys.keys());
    if (flag.kind === 'toggle' && token.value !== undefined) {
      // The value may be a secret that was put in the wrong place.
      throw wrong(
        usage.name,
        `${token.rawName} takes no value`,
        `${token.rawName} alone`,
        `${token.rawName}=…`,
      );
    }
    if (flag.kind !== 'toggle' && token.value === undefined) {
      throw wrong(
        usage.name,
        `${token.rawName} needs a value`,
        `${token.rawName} ${flag.placeholder}`,
        `${token.rawName} alone`,
      );
    }
    const value =
      flag.kind === 'toggle' ? !(negated || token.rawName.startsWith('--no-')) : (token.value as string);
    given.set(key, [...(given.get(key) ?? []), value]);
  }
  return { given, args };
}

function readFlag(
  command: string,
  key: string,
  flag: Flag,
  given: readonly (string | boolean)[] | undefined,
  env: Env,
): unknown {
  const fromEnv = flag.env === undefined ? undefined : env[flag.env];
  const source = given === undefined && fromEnv ? flag.env : flagName(key);
  switch (flag.kind) {
    case 'toggle':
      if (flag.optional === true && given === undefined && fromEnv === undefined) return undefined;
      return (
        given?.at(-1) ??
        (fromEnv === undefined ? flag.fallback === true : !/^(?:0|false|no|off|)$/i.test(fromEnv))
      );
    case 'count':
    case 'duration':
    case 'bytes':
      return readNumber(
        command,
        source ?? key,
        flag,
        (given?.at(-1) as string | undefined) ?? (fromEnv || undefined),
      );
    case 'text': {
      const texts = (given as readonly string[] | undefined) ?? (fromEnv ? [fromEnv] : []);
      for (const text of texts) checkChoice(command, source ?? key, flag.choices, text);
      if (flag.many) return texts;
      if (texts.length > 1)
        throw wrong(command, `${flagName(key)} is given ${texts.length} times`, 'once', texts.join(', '));
      if (texts.length === 0 && flag.required) {
        throw wrong(
          command,
          `${flagName(key)} is missing`,
          `${flagName(key)} ${flag.placeholder}: ${flag.brief}`,
          undefined,
        );
      }
      return texts[0] ?? flag.fallback;
    }
  }
}

function readNumber(
  command: string,
  source: string,
  flag: NumberFlag,
  text: string | undefined,
): number | undefined {
  if (text === undefined) return flag.fallback;
  const parsed = parsers[flag.kind](text);
  if ('problem' in parsed) throw wrong(command, `${source}: ${parsed.problem}`, flag.placeholder, text);
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = flag;
  if (parsed.value < min || parsed.value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`;
    throw wrong(command, `${source} is out of range`, range, text);
  }
  return parsed.value;
}

const parsers: Record<NumberFlag['kind'], (text: string) => Parsed<number>> = {
  count: text =>
    /^\d{1,15}$/.test(text) ? { value: Number(text) } : { problem: `"${text}" is not a whole number` },
  duration: text => parseDuration(text, { seconds: true }),
  bytes: parseByteSize,
};

function checkChoice(
  command: string,
  source: string,
  choices: readonly string[] | undefined,
  text: string,
): void {
  if (choices === undefined || choices.includes(text)) return;
  const meant = nearest(text, choices);
  throw wrong(
    command,
    `${source} does not know "${text}"${meant ? `; did you mean "${meant}"?` : ''}`,
    choices.join(', '),
    text,
  );
}

function checkArguments(
  usage: { readonly name: string; readonly args: readonly Argument[] },
  args: readonly string[],
): void {
  const missing = usage.args.find((argument, index) => argument.required && args[index] === undefined);
  if (missing) {
    throw wrong(usage.name, `${missing.name} is missing`, `${missing.name}: ${missing.brief}`, undefined);
  }
  for (const [index, { name, choices }] of usage.args.entries()) {
    const text = args[index];
    if (text !== undefined) checkChoice(usage.name, name, choices, text);
  }
  const takesAll = usage.args.at(-1)?.many === true;
  if (!takesAll && args.length > usage.args.length) {
    const extra = args.slice(usage.args.length).join(' ');
    const wanted =
      usage.args.length === 0 ? 'no argument' : usage.args.map(argument => argument.name).join(' ');
    throw wrong(usage.name, `there is more on the line than ${usage.name} takes`, wanted, `also: ${extra}`);
  }
}

function unknownFlag(usage: { readonly name: string }, rawName: string, known: Iterable<string>): Fault {
  const meant = rawName.startsWith('--') ? nearest(rawName.replace(/^--(?:no-)?/, ''), known) : undefined;
  return wrong(
    usage.name,
    `there is no flag ${rawName}${meant ? `; did you mean --${meant}?` : ''}`,
    undefined,
    undefined,
  );
}

function wrong(
  command: string,
  what: string,
  expected: string | undefined,
  actual: string | undefined,
): Fault {
  return new Fault('USAGE', {
    what,
    where: command,
    ...(expected !== undefined && { expected }),
    ...(actual !== undefined && { actual }),
    next: `${command} --help`,
  });
}
