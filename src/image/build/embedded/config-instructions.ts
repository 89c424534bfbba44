import { flagValue, type Instruction } from '../../dockerfile/instruction.ts';
import { splitAssignments, splitPlainWords } from '../../dockerfile/words.ts';
import { setEnvironment } from './image-state.ts';
import { expandWord, instructionFault, type StageState } from './instruction-context.ts';

type Handler = (instruction: Instruction, state: StageState) => void;

/** Instructions that change the configuration and no file. */
export const configInstructions: Partial<Record<Instruction['keyword'], Handler>> = {
  ARG: declareArguments,
  CMD: (instruction, state) => {
    state.image.config.Cmd = commandOf(instruction, state);
    state.hasOwnCommand = true;
  },
  ENTRYPOINT: (instruction, state) => {
    state.image.config.Entrypoint = commandOf(instruction, state);
    if (!state.hasOwnCommand) delete state.image.config.Cmd;
  },
  ENV: (instruction, state) => {
    // All values of one line see the environment from before it.
    const values = assignmentsOf(instruction, state);
    for (const [name, value] of values) setEnvironment(state.image.config, name, value);
  },
  EXPOSE: (instruction, state) => {
    const ports = splitPlainWords(instruction.rest.text).flatMap(({ text }) =>
      readPorts(expandWord(text, state, instruction), instruction, state),
    );
    const exposed = { ...state.image.config.ExposedPorts };
    for (const port of ports) exposed[port] = {};
    state.image.config.ExposedPorts = sortKeys(exposed);
  },
  HEALTHCHECK: (instruction, state) => {
    state.image.config.Healthcheck = readHealthcheck(instruction, state);
  },
  LABEL: (instruction, state) => {
    const labels = { ...state.image.config.Labels, ...Object.fromEntries(assignmentsOf(instruction, state)) };
    state.image.config.Labels = sortKeys(labels);
  },
  MAINTAINER: (instruction, state) => {
    state.image.author = instruction.rest.text;
  },
  ONBUILD: (instruction, state) => {
    const trigger = /^\S+/.exec(instruction.rest.text)?.[0]?.toUpperCase();
    if (trigger === 'ONBUILD' || trigger === 'FROM' || trigger === 'MAINTAINER')
      throw instructionFault(state, instruction, `ONBUILD cannot trigger ${trigger}`);
    state.image.config.OnBuild = [...(state.image.config.OnBuild ?? []), instruction.rest.text];
  },
  SHELL: (instruction, state) => {
    state.image.config.Shell = [...(instruction.json ?? [])];
  },
  STOPSIGNAL: (instruction, state) => {
    const signal = expandWord(instruction.rest.text, state, instruction);
    if (!/^(?:SIG[A-Z0-9+-]{2,16}|[A-Z0-9+-]{2,16}|\d{1,3})$/.test(signal))
      throw instructionFault(state, instruction, `"${signal.slice(0, 50)}" is no signal`);
    state.image.config.StopSignal = signal;
  },
  USER: (instruction, state) => {
    state.image.config.User = expandWord(instruction.rest.text, state, instruction);
  },
  VOLUME: (instruction, state) => {
    const paths = instruction.json ?? splitPlainWords(instruction.rest.text).map(({ text }) => text);
    const volumes = { ...state.image.config.Volumes };
    for (const path of paths) volumes[expandWord(path, state, instruction)] = {};
    state.image.config.Volumes = sortKeys(volumes);
  },
};

/** The shell form runs in a shell; the exec form is taken as it is. */
function commandOf({ json, rest }: Instruction, { image }: StageState): string[] {
  return json === undefined ? [...(image.config.Shell ?? ['/bin/sh', '-c']), rest.text] : [...json];
}

function assignmentsOf(instruction: Instruction, state: StageState): [string, string][] {
  const { assignments, problem } = splitAssignments(instruction.rest.text, state.dockerfile.escape, {
    oldForm: true,
  });
  if (problem !== undefined) throw instructionFault(state, instruction, `${instruction.keyword}: ${problem}`);
  return assignments.map(({ name, value = '' }) => [
    expandWord(name, state, instruction),
    expandWord(value, state, instruction),
  ]);
}

function declareArguments(instruction: Instruction, state: StageState): void {
  const { assignments, problem } = splitAssignments(instruction.rest.text, state.dockerfile.escape, {
    oldForm: false,
  });
  if (problem !== undefined) throw instructionFault(state, instruction, `ARG: ${problem}`);
  for (const { name, value } of assignments) {
    const { given, known } = state.declarable;
    const fallback = value === undefined ? known.get(name) : expandWord(value, state, instruction);
    const taken = Object.hasOwn(given, name) ? given[name] : fallback;
    if (taken !== undefined) state.args.set(name, taken);
  }
}

function readPorts(text: string, instruction: Instruction, state: StageState): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first > last || last > 65_535 || last - first > 10_000)
    throw instructionFault(state, instruction, `"${text.slice(0, 50)}" is no port`, {
      expected: '8080, 8080/udp or 8000-8010',
    });
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${protocol}`);
}

function readHealthcheck(instruction: Instruction, state: StageState): Record<string, unknown> {
  const [, kind = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(instruction.rest.text) ?? [];
  if (kind.toUpperCase() === 'NONE') return { Test: ['NONE'] };
  if (kind.toUpperCase() !== 'CMD' || rest === '')
    throw instructionFault(state, instruction, 'HEALTHCHECK wants NONE, or CMD and a command');
  const retries = flagValue(instruction, 'retries');
  if (retries !== undefined && !/^\d{1,6}$/.test(retries))
    throw instructionFault(state, instruction, `--retries wants a number, not "${retries.slice(0, 50)}"`);
  return {
    Test: readTest(rest),
    ...durationFlag('Interval', 'interval', instruction, state),
    ...durationFlag('Timeout', 'timeout', instruction, state),
    ...durationFlag('StartPeriod', 'start-period', instruction, state),
    ...durationFlag('StartInterval', 'start-interval', instruction, state),
    ...(retries !== undefined && { Retries: Number(retries) }),
  };
}

function readTest(text: string): string[] {
  try {
    const value: unknown = text.startsWith('[') ? JSON.parse(text) : undefined;
    if (Array.isArray(value) && value.every(item => typeof item === 'string')) return ['CMD', ...value];
  } catch {
    // What is no list is the shell form.
  }
  return ['CMD-SHELL', text];
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's durations, `1m30s`, in nanoseconds as the configuration has them. */
function durationFlag(
  key: string,
  flag: string,
  instruction: Instruction,
  state: StageState,
): Record<string, number> {
  const text = flagValue(instruction, flag);
  if (text === undefined) return {};
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text)
    throw instructionFault(state, instruction, `--${flag} wants a duration, not "${text.slice(0, 50)}"`, {
      expected: '30s or 1m30s',
    });
  const total = parts.reduce(
    (sum, [, number, unit = 's']) => sum + Number(number) * (nanoseconds[unit] ?? 0),
    0,
  );
  return { [key]: Math.round(total) };
}

/** The configuration of a build does not depend on the order in which labels were written. */
function sortKeys<T>(map: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
