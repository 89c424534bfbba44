import { Fault } from '../../ground/fault/fault.ts';

/** What people want to know of an image's configuration (OCI image specification, "Image Configuration"). */
export interface ImageSummary {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly created?: string;
  readonly author?: string;
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** Names only: values of an environment are not for logs. */
  readonly environment?: readonly string[];
  readonly exposedPorts?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly history: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

export function summariseConfig(bytes: Uint8Array, where: string): ImageSummary {
  const root = parseObject(bytes, where);
  const config = object(root['config']);
  const history = Array.isArray(root['history']) ? root['history'] : [];
  return {
    os: text(root['os']) ?? 'unknown',
    architecture: text(root['architecture']) ?? 'unknown',
    ...pick('variant', text(root['variant'])),
    ...pick('created', text(root['created'])),
    ...pick('author', text(root['author'])),
    ...pick('user', text(config['User'])),
    ...pick('workingDirectory', text(config['WorkingDir'])),
    ...pick('entrypoint', texts(config['Entrypoint'])),
    ...pick('command', texts(config['Cmd'])),
    ...pick(
      'environment',
      texts(config['Env'])?.map(entry => entry.split('=')[0] ?? ''),
    ),
    ...pick('exposedPorts', keys(config['ExposedPorts'])),
    ...pick('labels', labels(config['Labels'])),
    history: history.flatMap(item => text(object(item)['created_by']) ?? []),
  };
}

function parseObject(bytes: Uint8Array, where: string): Json {
  try {
    return object(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new Fault('CONTENT_INVALID', {
      what: `the configuration ${where} is not JSON`,
      where,
      cause: error,
    });
  }
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : undefined;
}

function keys(value: unknown): string[] | undefined {
  const names = Object.keys(object(value));
  return names.length === 0 ? undefined : names;
}

function labels(value: unknown): Record<string, string> | undefined {
  const entries = Object.entries(object(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function pick<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, V>);
}
