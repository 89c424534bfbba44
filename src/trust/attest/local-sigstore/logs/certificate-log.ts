import { type KeyObject, sign } from 'node:crypto';
import type { Clock } from '../../../../model/clock.ts';
import { spkiOf } from '../../certificates/profile.ts';
import {
  encodePrecertificateEntry,
  encodeTimestampList,
} from '../../certificates/signed-certificate-timestamp.ts';
import type { JsonObject } from '../../json/strict-json.ts';
import { keyIdOf } from '../../log/key-id.ts';
import { hashLeaf, MerkleTree } from '../../log/merkle-tree.ts';
import { RecordFile } from './record-file.ts';

interface LoggedCertificate {
  /** The MerkleTreeLeaf of RFC 6962 §3.4, which is what the log signs as well; base64. */
  readonly entry: string;
}

/** The certificate transparency log: every certificate is in it before anybody holds it (RFC 6962). */
export class LocalCertificateLog {
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #file: RecordFile<LoggedCertificate>;
  readonly #tree = new MerkleTree();

  private constructor(key: KeyObject, clock: Clock, file: RecordFile<LoggedCertificate>) {
    this.#key = key;
    this.#clock = clock;
    this.#file = file;
  }

  static async open(
    path: string | undefined,
    o: { readonly key: KeyObject; readonly clock: Clock; readonly warn: (message: string) => void },
  ): Promise<LocalCertificateLog> {
    const { file, records } = await RecordFile.open<LoggedCertificate>(path, o.warn);
    const log = new LocalCertificateLog(o.key, o.clock, file);
    for (const { entry } of records) log.#tree.append(hashLeaf(Buffer.from(entry, 'base64')));
    return log;
  }

  /** Logs a certificate that has no timestamps yet, and returns the list of them to put into it. */
  async add(signed: Buffer, issuerSpki: Buffer): Promise<Buffer> {
    const at = BigInt(this.#clock.now().getTime());
    const none = Buffer.alloc(0);
    const entry = encodePrecertificateEntry({ at, issuerSpki, signed, extensions: none });
    await this.#file.append({ entry: entry.toString('base64') });
    this.#tree.append(hashLeaf(entry));
    return encodeTimestampList({
      logId: keyIdOf(spkiOf(this.#key)),
      at,
      extensions: none,
      algorithm: [4, 3],
      signature: sign('sha256', entry, this.#key),
    });
  }

  /** The signed tree head (RFC 6962 §3.5 and §4.3). */
  head(): JsonObject {
    const [timestamp, size, root] = [this.#clock.now().getTime(), this.#tree.size, this.#tree.root()];
    const head = Buffer.alloc(18);
    head.writeUInt8(1, 1);
    head.writeBigUInt64BE(BigInt(timestamp), 2);
    head.writeBigUInt64BE(BigInt(size), 10);
    const signature = sign('sha256', Buffer.concat([head, root]), this.#key);
    const prefix = Buffer.from([4, 3, signature.length >> 8, signature.length & 0xff]);
    return {
      tree_size: size,
      timestamp,
      sha256_root_hash: root.toString('base64'),
      tree_head_signature: Buffer.concat([prefix, signature]).toString('base64'),
    };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
