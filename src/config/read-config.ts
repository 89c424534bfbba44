import { readFile, stat } from 'node:fs/promises';
import type * as z from 'zod';
import { Fault, FaultList } from '../ground/fault/fault.ts';
import { type LocatedYaml, largestYaml, readYaml } from '../ground/yaml/read-yaml.ts';
import { nearest } from '../model/nearest.ts';

export interface ReadConfig<T> {
  readonly value: T;
  readonly yaml: LocatedYaml;
  readonly file: string;
  /** Keys that nobody knows, where those are allowed. */
  readonly unknownKeys: readonly Fault[];
}

export interface ConfigForm {
  /** From a path in the value to the path in the text, where the two differ. */
  readonly toWritten?: ToWritten;
  /** A file that other tools write as well may hold keys of theirs; a typing error in it is still said. */
  readonly unknownKeys?: 'refuse' | 'report';
}

type Path = readonly PropertyKey[];
type ToWritten = (path: Path, written: unknown) => Path;

/** Nobody reads more at once. */
const mostProblems = 50;

/** Reads a file of the user's; undefined when it does not exist. All problems are said at once. */
export async function readConfig<S extends z.ZodType>(
  file: string,
  schema: S,
  form: ConfigForm = {},
): Promise<ReadConfig<z.infer<S>> | undefined> {
  const text = await readText(file);
  return text === undefined ? undefined : parseConfig(file, text, schema, form);
}

export function parseConfig<S extends z.ZodType>(
  file: string,
  text: string,
  schema: S,
  { toWritten = path => path, unknownKeys = 'refuse' }: ConfigForm = {},
): ReadConfig<z.infer<S>> {
  const yaml = readYaml(text);
  if (yaml.problems.length > 0) {
    throw invalid(
      file,
      yaml.problems.map(problem => fault(file, problem.message, problem)),
    );
  }
  const explain = (issues: readonly z.core.$ZodIssue[]) =>
    issues.slice(0, mostProblems).flatMap(issue => explainIssue(issue, file, yaml, schema, toWritten));
  const written = yaml.value ?? {};
  const strict = schema.safeParse(written);
  if (strict.success) return { value: strict.data, yaml, file, unknownKeys: [] };
  const strange = strict.error.issues.filter(issue => issue.code === 'unrecognized_keys');
  if (unknownKeys === 'refuse' || strange.length === 0) throw invalid(file, explain(strict.error.issues));
  const known = schema.safeParse(dropKeys(written, strange, toWritten));
  if (!known.success) throw invalid(file, explain(known.error.issues));
  return { value: known.data, yaml, file, unknownKeys: explain(strange) };
}

/** A copy without the keys that the schema does not know. */
function dropKeys(
  written: unknown,
  issues: readonly (z.core.$ZodIssue & { code: 'unrecognized_keys' })[],
  toWritten: ToWritten,
): unknown {
  const copy: unknown = structuredClone(written);
  for (const { path, keys } of issues) {
    let node: unknown = copy;
    for (const step of toWritten(path, written)) node = (node as Record<PropertyKey, unknown>)?.[step];
    for (const key of keys) delete (node as Record<string, unknown>)[key];
  }
  return copy;
}

/** Bounded, and only from a file: a link to a device must not be read without end. */
async function readText(file: string): Promise<string | undefined> {
  const unreadable = (actual: string, cause?: unknown) =>
    new Fault('FILE_MISSING', {
      what: 'a configuration file cannot be read',
      where: file,
      actual,
      ...(cause !== undefined && { cause }),
    });
  try {
    const { isFile, size } = await stat(file).then(found => ({ isFile: found.isFile(), size: found.size }));
    if (!isFile) throw unreadable('not a file');
    if (size > largestYaml) throw unreadable(`${size} bytes; at most ${largestYaml} are read`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable((cause as Error).message, cause);
  }
}

function explainIssue(
  issue: z.core.$ZodIssue,
  file: string,
  yaml: LocatedYaml,
  schema: z.ZodType,
  toWritten: ToWritten,
): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, mostProblems).map(key => {
      const meant = nearest(key, knownKeys(schema, issue.path));
      const path = toWritten([...issue.path, key], yaml.value);
      return fault(
        file,
        `unknown key "${key}"${meant ? `; did you mean "${meant}"?` : ''}`,
        yaml.locate(path, 'key'),
      );
    });
  }
  const name = issue.path.filter(step => typeof step === 'string').at(-1);
  const missing = issue.code === 'invalid_type' && isAbsent(yaml.value, toWritten(issue.path, yaml.value));
  const message = missing && name !== undefined ? `"${name}" is missing` : issue.message;
  const prefix =
    name === undefined || message.includes(`"${name}"`) || message.startsWith(`the ${name}`)
      ? ''
      : `${name}: `;
  return [fault(file, `${prefix}${message}`, yaml.locate(toWritten(issue.path, yaml.value)))];
}

/** A key that its mapping lacks; a value written in short form has no keys, so nothing is absent there. */
function isAbsent(value: unknown, path: Path): boolean {
  let node: unknown = value;
  for (const step of path) {
    if (typeof node !== 'object' || node === null) return false;
    node = (node as Record<PropertyKey, unknown>)[step];
  }
  return node === undefined;
}

/** The keys that a mapping of the schema may have, for the nearest one. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  let node = unwrap(schema);
  for (const step of path) node = unwrap(childSchema(node, step));
  return node !== undefined && 'shape' in node ? Object.keys(node.shape as object) : [];
}

function childSchema(node: z.ZodType | undefined, step: PropertyKey): z.ZodType | undefined {
  if (node === undefined) return undefined;
  const definition = node.def as unknown as Record<string, unknown>;
  if ('shape' in node) return (node.shape as Record<PropertyKey, z.ZodType>)[step];
  return (definition.element ?? definition.valueType) as z.ZodType | undefined;
}

function unwrap(node: z.ZodType | undefined): z.ZodType | undefined {
  const definition = node?.def as unknown as Record<string, unknown> | undefined;
  const inner = (definition?.innerType ?? definition?.out) as z.ZodType | undefined;
  return inner === undefined ? node : unwrap(inner);
}

function fault(file: string, what: string, at: { line: number; column: number }): Fault {
  return new Fault('FILE_INVALID', { what, where: `${file}:${at.line}:${at.column}` });
}

function invalid(file: string, unsorted: readonly Fault[]): Fault {
  const faults = unsorted.toSorted((a, b) => lineOf(a) - lineOf(b));
  const [only] = faults;
  if (faults.length === 1 && only !== undefined) return only;
  return new FaultList('FILE_INVALID', { what: `${faults.length} problems in ${file}` }, faults);
}

function lineOf(problem: Fault): number {
  return Number(/:(\d+):\d+$/.exec(problem.where ?? '')?.[1] ?? 0);
}
