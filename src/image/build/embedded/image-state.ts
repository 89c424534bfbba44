import { Fault } from '../../../ground/fault/fault.ts';

/** The parts of an image's configuration that instructions change (OCI image specification, "Image Configuration"). */
export interface ImageState {
  architecture: string;
  os: string;
  variant?: string;
  author?: string;
  config: RunConfig;
  history: HistoryEntry[];
  diffIds: string[];
}

export interface RunConfig {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  Healthcheck?: Record<string, unknown>;
  OnBuild?: string[];
  Shell?: string[];
  [other: string]: unknown;
}

export interface HistoryEntry {
  created?: string;
  created_by?: string;
  comment?: string;
  author?: string;
  empty_layer?: boolean;
}

/** What every Linux container without a PATH of its own gets. */
export const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Json = Readonly<Record<string, unknown>>;

/** Goes on from the configuration of a base image; everything in it that we do not know is kept. */
export function readImageState(bytes: Uint8Array, where: string): ImageState {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw invalid(where, 'not JSON', cause);
  }
  const image = object(value);
  const diffIds = object(image['rootfs'])['diff_ids'];
  if (!Array.isArray(diffIds) || !diffIds.every(id => typeof id === 'string'))
    throw invalid(where, 'without diff_ids');
  const { architecture, os, variant, author } = image;
  if (typeof architecture !== 'string' || typeof os !== 'string') throw invalid(where, 'without a platform');
  return {
    architecture,
    os,
    ...(typeof variant === 'string' && { variant }),
    ...(typeof author === 'string' && { author }),
    config: readRunConfig(image['config']),
    history: Array.isArray(image['history']) ? image['history'].map(object) : [],
    diffIds: [...diffIds],
  };
}

function readRunConfig(value: unknown): RunConfig {
  const config: RunConfig = { ...object(value) };
  for (const name of ['Env', 'Entrypoint', 'Cmd', 'OnBuild', 'Shell'] as const) {
    const list: unknown = config[name];
    if (Array.isArray(list)) config[name] = list.filter(item => typeof item === 'string');
    else delete config[name];
  }
  for (const name of ['ExposedPorts', 'Volumes', 'Labels'] as const) {
    const map: unknown = config[name];
    if (map === null || typeof map !== 'object') delete config[name];
    else config[name] = { ...(map as Record<string, never>) };
  }
  return config;
}

export function setEnvironment(config: RunConfig, name: string, value: string): void {
  const entries = config.Env ?? [];
  const at = entries.findIndex(entry => entry.startsWith(`${name}=`));
  const entry = `${name}=${value}`;
  config.Env = at < 0 ? [...entries, entry] : entries.with(at, entry);
}

export function environmentOf({ Env = [] }: RunConfig): Map<string, string> {
  return new Map(
    Env.map(entry => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function invalid(where: string, actual: string, cause?: unknown): Fault {
  return new Fault('CONTENT_INVALID', {
    what: `the configuration of the base image ${where} cannot be used`,
    where,
    actual,
    ...(cause !== undefined && { cause }),
  });
}
