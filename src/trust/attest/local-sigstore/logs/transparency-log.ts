import type { KeyObject } from 'node:crypto';
import { canonicalJson } from '../../json/canonical-json.ts';
import { signCheckpoint } from '../../log/checkpoint.ts';
import { hashLeaf, MerkleTree } from '../../log/merkle-tree.ts';
import { RecordFile } from './record-file.ts';

export interface LogRecord {
  /** The canonical body, base64. */
  readonly body: string;
  readonly integratedTime: number;
}

export interface LogIdentity {
  readonly origin: string;
  readonly name: string;
  readonly key: KeyObject;
  readonly keyId: Buffer;
}

export interface LogProof {
  readonly treeSize: number;
  readonly root: Buffer;
  readonly hashes: readonly Buffer[];
  readonly checkpoint: string;
}

/** An append-only log with a real tree behind it; both Rekor APIs speak for one of these. */
export class TransparencyLog {
  readonly identity: LogIdentity;
  readonly #file: RecordFile<LogRecord>;
  readonly #tree = new MerkleTree();
  readonly #records: LogRecord[] = [];
  readonly #indexOf = new Map<string, number>();

  private constructor(identity: LogIdentity, file: RecordFile<LogRecord>) {
    this.identity = identity;
    this.#file = file;
  }

  static async open(
    path: string | undefined,
    identity: LogIdentity,
    warn: (message: string) => void,
  ): Promise<TransparencyLog> {
    const { file, records } = await RecordFile.open<LogRecord>(path, warn);
    const log = new TransparencyLog(identity, file);
    for (const record of records) log.#add(record);
    if (log.size === 0) await log.append(firstRecord(identity));
    return log;
  }

  get size(): number {
    return this.#tree.size;
  }

  find(leafHash: string): number | undefined {
    return this.#indexOf.get(leafHash);
  }

  record(index: number): LogRecord | undefined {
    return this.#records[index];
  }

  /** The index of the new record; it is on the disk when this returns. */
  async append(record: LogRecord): Promise<number> {
    await this.#file.append(record);
    return this.#add(record);
  }

  proof(index: number): LogProof {
    const root = this.#tree.root();
    return { treeSize: this.size, root, hashes: this.#tree.proof(index), checkpoint: this.checkpoint(root) };
  }

  checkpoint(root = this.#tree.root()): string {
    const { origin, name, key, keyId } = this.identity;
    return signCheckpoint({ origin, name, size: this.size, root }, key, keyId);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #add(record: LogRecord): number {
    const leaf = hashLeaf(Buffer.from(record.body, 'base64'));
    const index = this.#tree.append(leaf);
    this.#records.push(record);
    this.#indexOf.set(leaf.toString('hex'), index);
    return index;
  }
}

/** Every log starts with its own name: to some clients an entry with the index 0 looks like none. */
function firstRecord({ origin }: LogIdentity): LogRecord {
  return {
    body: Buffer.from(canonicalJson({ kind: 'origin', origin })).toString('base64'),
    integratedTime: 0,
  };
}
