import { Fault } from '../../../ground/fault/fault.ts';
import { excerpt, readBytes } from '../../../ground/http/body.ts';
import { redactUrl } from '../../../ground/http/redact-url.ts';
import { parseRetryAfter } from '../../../ground/http/retry.ts';
import type { HttpResponse } from '../../../ground/http/send.ts';

const largestError = 64 * 1024;

export interface RegistryError {
  /** `MANIFEST_UNKNOWN` and the like; empty when the body is not the registry's own. */
  readonly code: string;
  readonly message: string;
}

/** What a registry says went wrong: its own structured error, or the beginning of whatever it sent. */
export async function readRegistryError(response: HttpResponse): Promise<RegistryError> {
  let bytes: Buffer;
  try {
    bytes = await readBytes(response, largestError);
  } catch {
    return { code: '', message: '' };
  }
  try {
    const { errors } = JSON.parse(bytes.toString('utf8')) as { errors?: unknown };
    const first = (Array.isArray(errors) ? errors[0] : undefined) as Record<string, unknown> | undefined;
    const [code, message] = [first?.['code'], first?.['message']];
    if (typeof code === 'string') {
      return {
        code: excerpt(Buffer.from(code)),
        message: typeof message === 'string' ? excerpt(Buffer.from(message)) : '',
      };
    }
  } catch {
    // Not JSON: a page of a proxy, most likely.
  }
  return { code: '', message: bytes.length === 0 ? '' : excerpt(bytes) };
}

export interface FaultContext {
  readonly registry: string;
  /** What was wanted, as in "the manifest of web:1". */
  readonly what: string;
  readonly scopes: readonly string[];
  readonly source: string | undefined;
  readonly hide: (text: string) => string;
}

export async function registryFault(response: HttpResponse, context: FaultContext): Promise<Fault> {
  const error = await readRegistryError(response);
  const said = context.hide([error.code, error.message].filter(Boolean).join(': '));
  const code = codeFor(response.status);
  const isAboutUs = code === 'UNAUTHORIZED' || code === 'DENIED';
  const next = nextStep(code, response, context.registry);
  return new Fault(code, {
    what: whatHappened(code, context),
    where: redactUrl(response.url),
    ...(isAboutUs && context.scopes.length > 0 && { expected: `access to ${context.scopes.join(' ')}` }),
    actual: [String(response.status), said].filter(Boolean).join(' '),
    ...(next !== undefined && { next }),
  });
}

type RegistryFaultCode =
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'NOT_FOUND'
  | 'RATE_LIMITED'
  | 'UNSUPPORTED'
  | 'REGISTRY_FULL'
  | 'NETWORK'
  | 'REFUSED'
  | 'PROTOCOL';

function whatHappened(code: RegistryFaultCode, { registry, what, source }: FaultContext): string {
  const us =
    source === undefined ? 'a stranger (no credentials were found)' : `the credentials from ${source}`;
  const texts: Record<RegistryFaultCode, string> = {
    UNAUTHORIZED: `${registry} does not accept ${us} for ${what}`,
    DENIED: `${registry} does not allow ${what} to ${us}`,
    NOT_FOUND: `${registry} does not have ${what}`,
    RATE_LIMITED: `${registry} wants fewer requests`,
    UNSUPPORTED: `${registry} does not support what is needed for ${what}`,
    REGISTRY_FULL: `${registry} has no room for ${what}`,
    NETWORK: `${registry} failed to answer about ${what}`,
    REFUSED: `${registry} did not accept the request for ${what}`,
    PROTOCOL: `${registry} gave an answer about ${what} that makes no sense`,
  };
  return texts[code];
}

function nextStep(code: RegistryFaultCode, response: HttpResponse, registry: string): string | undefined {
  if (code === 'UNAUTHORIZED') return `cg login ${registry}`;
  if (code !== 'RATE_LIMITED') return undefined;
  const wait = parseRetryAfter(response.headers['retry-after'], Date.now());
  return `log in, or wait${wait === undefined ? '' : ` ${Math.ceil(wait / 1000)} s`} and run the command again`;
}

function codeFor(status: number): RegistryFaultCode {
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'DENIED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 429) return 'RATE_LIMITED';
  if (status === 405 || status === 501) return 'UNSUPPORTED';
  if (status === 507) return 'REGISTRY_FULL';
  if (status >= 500 || status === 408 || status === 425) return 'NETWORK';
  return status >= 400 ? 'REFUSED' : 'PROTOCOL';
}
