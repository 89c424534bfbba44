import { Fault } from '../../../ground/fault/fault.ts';
import { formatPlatform, type Platform } from '../../../model/descriptor.ts';
import { flagValue, type Instruction } from '../../dockerfile/instruction.ts';
import { parseDockerfile } from '../../dockerfile/parse.ts';
import { findStage, type Stage, type Stages } from '../../dockerfile/stages.ts';
import type { Call } from '../../oci/registry.ts';
import type { BuildRequest } from '../builder.ts';
import { inspectInstruction } from './abilities.ts';
import { openBase, openScratch } from './base-image.ts';
import { configInstructions } from './config-instructions.ts';
import { copyInstruction, wordsOf, workdirInstruction } from './file-instructions.ts';
import { ContextSource, type FileSource, TreeSource } from './file-source.ts';
import { expandWord, instructionFault, locate, placeOf, type StageState } from './instruction-context.ts';
import { packLayer } from './pack-layer.ts';

export interface StageOptions {
  readonly request: BuildRequest;
  readonly platform: Platform;
  readonly platformArgs: Readonly<Record<string, string>>;
  readonly stages: Stages;
}

/** Builds the stages of one platform, each once, in the order of the file. */
export class StageBuilder {
  readonly #o: StageOptions;
  readonly #call: Call;
  readonly #built = new Map<number, StageState>();
  readonly #images = new Map<string, FileSource>();
  readonly #context: ContextSource;

  constructor(o: StageOptions, call: Call) {
    this.#o = o;
    this.#call = call;
    this.#context = new ContextSource(o.request.context, o.request.ignore);
  }

  async build(stage: Stage): Promise<StageState> {
    const state = await this.#open(stage);
    this.#built.set(stage.index, state);
    const triggers = state.image.config.OnBuild ?? [];
    delete state.image.config.OnBuild;
    for (const trigger of triggers) await this.#trigger(trigger, state, stage);
    for (const instruction of stage.instructions) await this.#carryOut(instruction, state, stage);
    return state;
  }

  async #open(stage: Stage): Promise<StageState> {
    const { request, platformArgs, stages } = this.#o;
    const shared = {
      dockerfile: request.dockerfile,
      args: new Map<string, string>(),
      silentArgs: new Map(
        Object.entries(request.buildArgs).filter(([name]) => alwaysKnown.has(name.toUpperCase())),
      ),
      declarable: {
        given: request.buildArgs,
        known: new Map([...Object.entries(platformArgs), ...stages.globals]),
      },
      hasOwnCommand: false,
    };
    const parent = stage.parent === undefined ? undefined : this.#built.get(stage.parent);
    if (parent !== undefined) {
      const image = structuredClone(parent.image);
      return { ...shared, image, layers: [...parent.layers], tree: parent.tree.clone() };
    }
    if (stage.from === 'scratch') return { ...shared, ...openScratch(this.#o.platform) };
    const base = request.bases.get(stage.from);
    if (base === undefined) throw this.#unresolved(stage.from, stage.head);
    return {
      ...shared,
      ...(await openBase(base, stage.platform, this.#o.platform, {
        workFolder: request.workFolder,
        destination: request.destination,
        keepsFiles: this.#isSource(stage),
        needsFiles: stage.instructions.some(({ keyword }) => fileKeywords.includes(keyword)),
        ...this.#call,
      })),
    };
  }

  /** Whether anything is copied out of a stage or of one that stands on it. */
  #isSource(stage: Stage): boolean {
    const { stages } = this.#o.stages;
    const isNamed = stages.some(other =>
      other.instructions.some(instruction => {
        const from = flagValue(instruction, 'from');
        return (
          from !== undefined &&
          findStage(stages.slice(0, other.index), from, { byIndex: true })?.index === stage.index
        );
      }),
    );
    return isNamed || stages.some(other => other.parent === stage.index && this.#isSource(other));
  }

  async #trigger(text: string, state: StageState, stage: Stage): Promise<void> {
    const { dockerfile, problems } = parseDockerfile(`FROM scratch\n${text}\n`, `ONBUILD of ${stage.from}`);
    const [, instruction] = dockerfile.instructions;
    const refused = instruction === undefined ? undefined : inspectInstruction(instruction)[0];
    if (problems.length > 0 || instruction === undefined || refused !== undefined) {
      throw new Fault('BUILD_FAILED', {
        what: `the base image ${stage.from} triggers "${text.slice(0, 200)}", which the embedded builder does not do`,
        where: placeOf(state.dockerfile, stage.head.range.start),
        next: 'build with --builder buildah or --builder buildx',
      });
    }
    await this.#carryOut(instruction, state, stage);
  }

  async #carryOut(instruction: Instruction, state: StageState, stage: Stage): Promise<void> {
    this.#call.signal?.throwIfAborted();
    this.#o.request.onStep?.({
      platform: formatPlatform(this.#o.platform),
      text: instruction.original.slice(0, 200),
    });
    try {
      await this.#apply(instruction, state, stage);
    } catch (error) {
      throw locate(error, state, instruction);
    }
    const changes = state.tree.takeChanges();
    const isFileStep = fileKeywords.includes(instruction.keyword);
    if (isFileStep && changes.size > 0) {
      const { workFolder: folder, epoch } = this.#o.request;
      const layer = await packLayer(changes, { folder, epoch, ...this.#call });
      state.layers.push(layer);
      state.image.diffIds.push(layer.diffId);
    }
    state.image.history.push({
      created: new Date(this.#o.request.epoch * 1000).toISOString().replace('.000Z', 'Z'),
      created_by: instruction.original,
      ...(!(isFileStep && changes.size > 0) && { empty_layer: true }),
    });
  }

  async #apply(instruction: Instruction, state: StageState, stage: Stage): Promise<void> {
    const change = configInstructions[instruction.keyword];
    if (change !== undefined) change(instruction, state);
    else if (instruction.keyword === 'WORKDIR') workdirInstruction(instruction, state);
    else if (instruction.keyword === 'COPY' || instruction.keyword === 'ADD') {
      const refused = instruction.keyword === 'ADD' ? refuseRemote(wordsOf(instruction, state)) : undefined;
      if (refused !== undefined)
        throw instructionFault(state, instruction, refused, {
          next: 'build with --builder buildah or --builder buildx',
        });
      await copyInstruction(instruction, state, await this.#sourceOf(instruction, state, stage), {
        workFolder: this.#o.request.workFolder,
        ...this.#call,
      });
    } else
      throw instructionFault(
        state,
        instruction,
        `the embedded builder does not execute ${instruction.keyword}`,
      );
  }

  async #sourceOf(instruction: Instruction, state: StageState, stage: Stage): Promise<FileSource> {
    const flag = flagValue(instruction, 'from');
    if (flag === undefined) return this.#context;
    const name = expandWord(flag, state, instruction);
    const earlier = this.#o.stages.stages.slice(0, stage.index);
    const source = findStage(earlier, name, { byIndex: true });
    const built = source === undefined ? undefined : this.#built.get(source.index);
    if (built !== undefined) return new TreeSource(`the stage ${name}`, built.tree);
    const known = this.#images.get(name);
    if (known !== undefined) return known;
    const base = this.#o.request.bases.get(name);
    if (base === undefined) throw this.#unresolved(name, instruction);
    const { tree } = await openBase(base, undefined, this.#o.platform, {
      workFolder: this.#o.request.workFolder,
      destination: this.#o.request.destination,
      keepsFiles: true,
      needsFiles: true,
      ...this.#call,
    });
    const opened = new TreeSource(`the image ${name}`, tree);
    this.#images.set(name, opened);
    return opened;
  }

  #unresolved(name: string, instruction: Instruction): Fault {
    return instructionFault(
      { dockerfile: this.#o.request.dockerfile },
      instruction,
      `"${name}" was resolved to no image`,
    );
  }
}

const fileKeywords: readonly string[] = ['COPY', 'ADD', 'WORKDIR'];

/** What may be used without ARG (Docker's predefined arguments). */
const alwaysKnown = new Set(['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']);

/** A variable can hide a URL from the look before the work. */
function refuseRemote(words: readonly string[]): string | undefined {
  const remote = words.slice(0, -1).find(word => /^(?:https?|ftp|ssh):\/\/|^git@|\.git(?:#|$)/i.test(word));
  return remote === undefined ? undefined : 'the embedded builder does not fetch the source of an ADD';
}
