/** What a Sigstore client needs of HTTP. Whoever implements it bounds the time and the size of replies. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface ServiceCall {
  readonly signal?: AbortSignal;
}

export type Http = (request: HttpRequest, o?: ServiceCall) => Promise<HttpReply>;
