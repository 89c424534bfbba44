import { type FileHandle, open } from 'node:fs/promises';
import { Fault } from '../../../../ground/fault/fault.ts';
import { toWriteFault } from '../../../../ground/store/write-fault.ts';

interface Waiting {
  readonly line: string;
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;
}

/** Far more than any entry has. */
const longestRecord = 4 * 1024 * 1024;

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
    const { records, length, size } = await readRecords(handle, path);
    if (length < size) {
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

interface Read {
  readonly records: unknown[];
  /** Bytes of the complete records; a torn record can only be the last one. */
  readonly length: number;
  readonly size: number;
}

/** Piece by piece: a log may be longer than the longest text. */
async function readRecords(handle: FileHandle, path: string): Promise<Read> {
  const records: unknown[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let [length, size] = [0, 0];
  let damaged: { readonly cause: unknown } | undefined;
  for await (const chunk of handle.createReadStream({
    start: 0,
    autoClose: false,
    highWaterMark: 1024 * 1024,
  }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      if (damaged !== undefined) throw damagedRecord(records.length + 1, path, damaged.cause);
      try {
        records.push(JSON.parse(rest.subarray(0, end).toString('utf8')));
        length += end + 1;
      } catch (cause) {
        damaged = { cause };
      }
      rest = rest.subarray(end + 1);
    }
    if (rest.length > longestRecord) throw damagedRecord(records.length + 1, path, undefined);
  }
  return { records, length, size };
}

function damagedRecord(number: number, path: string, cause: unknown): Fault {
  return new Fault('FILE_INVALID', { what: `Record ${number} of a log is damaged.`, where: path, cause });
}
