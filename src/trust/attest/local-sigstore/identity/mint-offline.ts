import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../../../ground/fault/fault.ts';
import { systemClock } from '../../../../model/clock.ts';
import type { Claims } from '../../identity-token/claims.ts';
import { loadKey, readIfThere } from '../keys.ts';
import { LocalIssuer } from './issuer.ts';

/** A token of the local issuer, made from its key; the server need not run for it. */
export async function mintOffline(folder: string, claims: Claims): Promise<string> {
  const identity = await readIfThere(join(folder, 'identity.json'));
  if (identity === undefined) throw unknown(folder);
  const keyFolder = join(folder, 'keys');
  await access(join(keyFolder, 'issuer.pem')).catch((cause: unknown) => {
    throw unknown(folder, cause);
  });
  const { url } = JSON.parse(identity) as { readonly url: string };
  const issuer = await loadKey(keyFolder, 'issuer');
  return new LocalIssuer({ url: `${url}/local`, key: issuer, clock: systemClock }).mint(claims);
}

function unknown(folder: string, cause?: unknown): Fault {
  return new Fault('FILE_MISSING', {
    what: 'There is no local Sigstore yet that could issue a token.',
    where: folder,
    next: 'cg sigstore serve',
    ...(cause !== undefined && { cause }),
  });
}
