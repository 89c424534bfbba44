import type { SourceRange, SourceText } from './source-text.ts';

export interface Dockerfile {
  readonly path: string;
  readonly text: string;
  readonly escape: string;
  readonly directives: readonly Directive[];
  readonly instructions: readonly Instruction[];
}

/** `# syntax=docker/dockerfile:1` */
export interface Directive {
  readonly name: string;
  readonly value: string;
  readonly range: SourceRange;
}

export interface Instruction {
  /** In capitals. */
  readonly keyword: Keyword;
  /** As it was written, continued lines joined: what a history shows. */
  readonly original: string;
  readonly range: SourceRange;
  readonly flags: readonly Flag[];
  /** What follows the keyword and the flags. */
  readonly rest: SourceText;
  /** The exec form, where the instruction has one and it was used. */
  readonly json?: readonly string[];
  readonly heredocs: readonly Heredoc[];
}

export interface Flag {
  readonly name: string;
  /** Absent for a flag without `=`. */
  readonly value?: string;
  readonly range: SourceRange;
}

export interface Heredoc {
  /** The word of the instruction that it stands for, `<<EOF`. */
  readonly word: string;
  readonly name: string;
  /** False when the name was quoted. */
  readonly expands: boolean;
  readonly content: string;
}

/** Something wrong in a Dockerfile, where it is. */
export interface DockerfileProblem {
  readonly offset: number;
  readonly message: string;
}

interface Grammar {
  readonly flags: readonly string[];
  readonly takesJson: boolean;
  readonly takesHeredocs: boolean;
}

const plain: Grammar = { flags: [], takesJson: false, takesHeredocs: false };

/** Every instruction with what its line may hold (the Dockerfile reference, frontend 1.x). */
export const grammar = {
  ADD: {
    flags: ['chown', 'chmod', 'checksum', 'link', 'keep-git-dir', 'exclude', 'unpack'],
    takesJson: true,
    takesHeredocs: true,
  },
  ARG: plain,
  CMD: { ...plain, takesJson: true },
  COPY: {
    flags: ['from', 'chown', 'chmod', 'link', 'parents', 'exclude'],
    takesJson: true,
    takesHeredocs: true,
  },
  ENTRYPOINT: { ...plain, takesJson: true },
  ENV: plain,
  EXPOSE: plain,
  FROM: { ...plain, flags: ['platform'] },
  HEALTHCHECK: { ...plain, flags: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'] },
  LABEL: plain,
  MAINTAINER: plain,
  ONBUILD: plain,
  RUN: { flags: ['mount', 'network', 'security', 'device'], takesJson: true, takesHeredocs: true },
  SHELL: { ...plain, takesJson: true },
  STOPSIGNAL: plain,
  USER: plain,
  VOLUME: { ...plain, takesJson: true },
  WORKDIR: plain,
} as const satisfies Record<string, Grammar>;

export type Keyword = keyof typeof grammar;

export function isKeyword(text: string): text is Keyword {
  return Object.hasOwn(grammar, text);
}

export function flagValue(instruction: Instruction, name: string): string | undefined {
  const flag = instruction.flags.find(flag => flag.name === name);
  return flag === undefined ? undefined : (flag.value ?? '');
}
