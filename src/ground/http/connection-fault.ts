import { Fault } from '../fault/fault.ts';
import { ForbiddenAddress } from './address.ts';
import { redactUrl } from './redact-url.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host name',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nothing listens at this port',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'the connection could not be made in time',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
};

/** What a failed connection means to the person who runs the command. */
export function connectionFault(error: unknown, url: URL, when: 'before' | 'within' = 'before'): Fault {
  const code = codeOf(error);
  const where = redactUrl(url);
  if (error instanceof ForbiddenAddress) {
    return new Fault('REDIRECT_REFUSED', {
      what: `${url.host} leads to an address that cg does not connect to`,
      where,
      actual: error.address,
      cause: error,
    });
  }
  if (
    code === 'EPROTO' ||
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG'
  ) {
    return new Fault('NETWORK', {
      what: `${url.host} does not speak https`,
      where,
      next: `if this registry is meant to speak plain http, add --insecure ${url.host}`,
      cause: error,
    });
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/.test(code)) {
    return new Fault('TLS_UNTRUSTED', {
      what: `the certificate of ${url.host} is not trusted`,
      where,
      actual: code,
      cause: error,
    });
  }
  if (code.startsWith('HPE_')) {
    return new Fault('PROTOCOL', {
      what: `${url.host} does not speak HTTP properly`,
      where,
      actual: code,
      cause: error,
    });
  }
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  const what = when === 'within' ? 'broke off in the middle of its answer' : 'could not be reached';
  return new Fault('NETWORK', { what: `${url.host} ${what}: ${reason}`, where, cause: error });
}

/** Worth another attempt: the connection failed, and not because of who or what the other side is. */
export function isTransient(fault: Fault): boolean {
  return fault.code === 'NETWORK' && !/does not speak https|no such host name/.test(fault.message);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
