import { Fault } from '../ground/fault/fault.ts';
import { parseImageReference } from '../model/image-reference.ts';

/** The registry that somebody means by `ghcr.io`, `https://ghcr.io/` or `docker.io`. */
export function toRegistryName(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  const parsed = parseImageReference(`${host}/x/y`);
  if ('value' in parsed && parsed.value.repository === 'x/y' && host !== '') return parsed.value.registry;
  throw new Fault('REFERENCE_INVALID', {
    what: `"${text.slice(0, 200)}" is not the host of a registry`,
    expected: 'a host with an optional port, as in ghcr.io or registry.example.com:5000',
  });
}
