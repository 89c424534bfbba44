import { Fault } from '../../../ground/fault/fault.ts';
import type { InventoryProblem } from '../../../model/inventory.ts';
import type { EntryReader } from '../../oci/archive/walk-tar.ts';
import type { CandidateFile, Cataloguer, FileReader } from '../cataloguer.ts';
import type { FoundFile } from './findings.ts';

export interface FindingsSink {
  found(file: FoundFile): void;
  problem(problem: InventoryProblem): void;
}

/** One reader for all cataloguers that want a file. What one of them cannot read is a problem, and the others go on. */
export function openReaders(
  cataloguers: readonly Cataloguer[],
  file: CandidateFile,
  sink: FindingsSink,
): EntryReader | undefined {
  const readers: GuardedReader[] = [];
  for (const cataloguer of cataloguers) {
    const reader = cataloguer.open(file);
    if (reader !== undefined) readers.push(new GuardedReader(reader, cataloguer.id, file.path, sink));
  }
  const [first, ...others] = readers;
  if (first === undefined || others.length === 0) return first;
  return {
    write: piece => {
      for (const reader of readers) reader.write(piece);
    },
    end: () => {
      for (const reader of readers) reader.end();
    },
  };
}

class GuardedReader implements EntryReader {
  readonly #reader: FileReader;
  readonly #cataloguer: string;
  readonly #path: string;
  readonly #sink: FindingsSink;
  #failed = false;

  constructor(reader: FileReader, cataloguer: string, path: string, sink: FindingsSink) {
    this.#reader = reader;
    this.#cataloguer = cataloguer;
    this.#path = path;
    this.#sink = sink;
  }

  write(piece: Uint8Array): void {
    if (!this.#failed) this.#guard(() => this.#reader.write(piece));
  }

  end(): void {
    if (this.#failed) return;
    this.#guard(() => {
      const { problems = [], ...findings } = this.#reader.end();
      for (const message of problems) this.#report(message);
      if (Object.keys(findings).length > 0)
        this.#sink.found({ path: this.#path, cataloguer: this.#cataloguer, findings });
    });
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#failed = true;
      this.#report(error.actual === undefined ? error.message : `${error.message}: ${error.actual}`);
    }
  }

  #report(message: string): void {
    this.#sink.problem({ cataloguer: this.#cataloguer, path: this.#path, message });
  }
}
