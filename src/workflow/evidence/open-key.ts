import type { KeyObject } from 'node:crypto';
import { Fault } from '../../ground/fault/fault.ts';
import { pickEnvironment } from '../../ground/process/environment.ts';
import { readNamedText } from '../../ground/store/named-text.ts';
import { commandSigner } from '../../trust/attest/signers/command-signer.ts';
import {
  type KeySecret,
  publicKeyFromText,
  signerFromEnvironment,
  signerFromKeyText,
} from '../../trust/attest/signers/key-file.ts';
import type { KeyHolder } from '../../trust/attest/signers/signer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface KeyPlace {
  /** A file, `env://NAME`, or `command:PROGRAM`. */
  readonly key: string;
  /** What `command:` signs with; a program does not show its key. */
  readonly publicKey?: string;
  readonly env: Environment;
  /** Asks a person; the variable COSIGN_PASSWORD wins. */
  readonly askPassword?: () => Promise<string>;
}

/** Opens a signing key from wherever it is. Passwords come from the environment or from a person. */
export async function openSigningKey(place: KeyPlace): Promise<KeyHolder> {
  const { key, env } = place;
  const secret = secretOf(place);
  if (key.startsWith('env://')) return await signerFromEnvironment(key.slice(6), env, secret);
  if (key.startsWith('command:')) return await openProgram(key.slice(8), place);
  return await signerFromKeyText(await readNamedText(key, { what: 'the key' }), secret);
}

/** A public key from a file or from `env://NAME`. */
export async function openPublicKey(key: string, env: Environment): Promise<KeyObject> {
  if (!key.startsWith('env://')) return publicKeyFromText(await readNamedText(key, { what: 'the key' }));
  const name = key.slice(6);
  const text = env[name];
  if (text !== undefined && text !== '') return publicKeyFromText(text);
  throw new Fault('KEY_INVALID', {
    what: 'The environment variable that should hold the key is empty.',
    where: name,
  });
}

async function openProgram(line: string, { publicKey, env }: KeyPlace): Promise<KeyHolder> {
  const [program, ...args] = line.split(' ').filter(word => word !== '');
  if (program === undefined || publicKey === undefined) {
    throw new Fault('USAGE', {
      what:
        program === undefined
          ? 'command: needs a program'
          : 'a signer program needs its public key beside it',
      expected: '--key command:PROGRAM --public-key FILE',
    });
  }
  return commandSigner({
    command: [program, ...args],
    publicKey: await openPublicKey(publicKey, env),
    environment: pickEnvironment(env, ...signerNames.split(' '), ...extraNames(env)),
  });
}

/**
 * A program that signs talks to a key management service, with the credentials for that. Tokens of the forge,
 * of registries and of Sigstore are none of its business.
 */
const signerNames =
  'AWS_* AZURE_* CLOUDSDK_* GOOGLE_* PKCS11_* SOFTHSM2_* VAULT_* XDG_* USER LOGNAME ' +
  'SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS HTTPS_PROXY HTTP_PROXY NO_PROXY https_proxy http_proxy no_proxy';

function extraNames(env: Environment): readonly string[] {
  return (env['CG_SIGNER_ENV'] ?? '')
    .split(/[\s,]+/)
    .filter(name => /^[A-Za-z_][A-Za-z0-9_]*\*?$/.test(name));
}

function secretOf({ env, askPassword }: KeyPlace): KeySecret {
  const given = env['COSIGN_PASSWORD'];
  if (given !== undefined) return { password: () => Promise.resolve(given) };
  return askPassword === undefined ? {} : { password: askPassword };
}
