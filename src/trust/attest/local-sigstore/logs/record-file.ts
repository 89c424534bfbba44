import { type FileHandle, open } from 'node:fs/promises';
import { Fault } from '../../../../ground/fault/fault.ts';
import { toWriteFault } from '../../../../ground/store/write-fault.ts';

interface Waiting {
  readonly line: string;
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;
}

/**
 * Records that are only ever added, one JSON line each, and are on the disk before anybody hears of them.
 * Records that arrive together share one flush.
 */
export class RecordFile<T> {
  readonly #file: FileHandle | undefined;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  /** After a failed write nobody knows what is on the disk, so that nothing more is added. */
  #failure: unknown;

  private constructor(file: FileHandle | undefined) {
    this.#file = file;
  }

  /** Without a path the records live in memory only. */
  static async open<T>(
    path: string | undefined,
    warn: (message: string) => void,
  ): Promise<{ readonly file: RecordFile<T>; readonly records: T[] }> {
    if (path === undefined) return { file: new RecordFile<T>(undefined), records: [] };
    const handle = await open(path, 'a+', 0o600);
    const text = await handle.readFile('utf8');
    const { records, length } = readRecords(text, path);
    if (length < Buffer.byteLength(text)) {
      warn(`${path}: the last record was cut short by a crash and is dropped`);
      await handle.truncate(length);
      await handle.datasync();
    }
    return { file: new RecordFile<T>(handle), records: records as T[] };
  }

  async append(record: T): Promise<void> {
    if (this.#file === undefined) return;
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ line: `${JSON.stringify(record)}\n`, done, failed });
      this.#flushing ??= this.#flush(this.#file as FileHandle);
    });
  }

  async close(): Promise<void> {
    await this.#flushing;
    await this.#file?.close();
  }

  async #flush(file: FileHandle): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await file.appendFile(batch.map(({ line }) => line).join(''));
        await file.datasync();
        for (const { done } of batch) done();
      } catch (error) {
        this.#failure = toWriteFault(error, 'the log of the local Sigstore');
        for (const { failed } of batch) failed(this.#failure);
      }
    }
    this.#flushing = undefined;
  }
}

/** The complete records, and how many bytes they take; a torn record can only be the last one. */
function readRecords(text: string, path: string): { records: unknown[]; length: number } {
  const lines = text.split('\n');
  const torn = lines.pop() ?? '';
  const records: unknown[] = [];
  for (const [n, line] of lines.entries()) {
    try {
      records.push(JSON.parse(line) as unknown);
    } catch (error) {
      if (n < lines.length - 1) {
        throw new Fault('FILE_INVALID', {
          what: `Record ${n + 1} of a log is damaged.`,
          where: path,
          cause: error,
        });
      }
      return {
        records,
        length: Buffer.byteLength(text) - Buffer.byteLength(torn) - Buffer.byteLength(line) - 1,
      };
    }
  }
  return { records, length: Buffer.byteLength(text) - Buffer.byteLength(torn) };
}
