import { Fault } from '../../../ground/fault/fault.ts';
import { Fields } from '../json/fields.ts';
import { parseStrictJson } from '../json/strict-json.ts';

/** The services that one signing run uses. */
export interface SigningServices {
  /** The certificate authority; without one only keys can sign. */
  readonly fulcio?: string;
  readonly rekorV1?: string;
  readonly rekorV2?: string;
  /** Complete address of the timestamp authority. */
  readonly timestamp?: string;
}

export const publicGoodServices: SigningServices = {
  fulcio: 'https://fulcio.sigstore.dev',
  rekorV1: 'https://rekor.sigstore.dev',
  timestamp: 'https://timestamp.sigstore.dev/api/v1/timestamp',
};

/** Reads a `signing_config.json`: of every kind the newest service that is valid now. */
export function parseSigningConfig(text: string | Uint8Array, now: Date): SigningServices {
  try {
    const config = new Fields(parseStrictJson(text), '');
    if (!config.text('mediaType').startsWith('application/vnd.dev.sigstore.signingconfig')) {
      throw new Error('its media type is not that of a signing configuration');
    }
    const pick = (list: string, version: number) => urlOf(config.objects(list, 64), version, now);
    const [fulcio, rekorV1, rekorV2, timestamp] = [
      pick('caUrls', 1),
      pick('rekorTlogUrls', 1),
      pick('rekorTlogUrls', 2),
      pick('tsaUrls', 1),
    ];
    return {
      ...(fulcio !== undefined && { fulcio }),
      ...(rekorV1 !== undefined && { rekorV1 }),
      ...(rekorV2 !== undefined && { rekorV2 }),
      ...(timestamp !== undefined && { timestamp }),
    };
  } catch (cause) {
    throw new Fault('FILE_INVALID', {
      what: `The signing configuration cannot be read: ${cause instanceof Error ? cause.message : 'malformed'}.`,
      expected: 'a signing_config.json of version 0.2',
      cause,
    });
  }
}

function urlOf(services: readonly Fields[], version: number, now: Date): string | undefined {
  const valid = services.filter(service => {
    const window = service.object('validFor');
    const isStarted = new Date(window.text('start')) <= now;
    const isOver = window.has('end') && new Date(window.text('end')) < now;
    return service.count('majorApiVersion') === version && isStarted && !isOver;
  });
  const starts = (service: Fields) => service.object('validFor').text('start');
  const [newest] = valid.toSorted((a, b) => starts(b).localeCompare(starts(a)));
  return newest?.text('url').replace(/\/$/, '');
}
