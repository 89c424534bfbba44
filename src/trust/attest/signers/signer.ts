import type { KeyObject } from 'node:crypto';
import type { ServiceCall } from '../services/http.ts';

/** Something that signs bytes and can say with which key. */
export interface KeyHolder {
  readonly publicKey: KeyObject;
  sign(bytes: Uint8Array, o?: ServiceCall): Promise<Buffer>;
}
