/** Error codes of the distribution specification, and TOOMANYREQUESTS and UNSUPPORTED of its table. */
export type RefusalCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'TAG_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'UNKNOWN';

export interface RefusalOptions {
  readonly detail?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An answer other than success: a status, a code of the specification and a sentence. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: RefusalCode;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: RefusalCode, message: string, o: RefusalOptions = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.status = status;
    this.code = code;
    this.detail = o.detail;
    this.headers = o.headers ?? {};
  }

  toJson(): string {
    const { code, message, detail } = this;
    return JSON.stringify({ errors: [{ code, message, ...(detail !== undefined && { detail }) }] });
  }
}
