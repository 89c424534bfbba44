import { createHash, type KeyObject } from 'node:crypto';
import { Fault } from '../../../ground/fault/fault.ts';
import { run } from '../../../ground/process/run.ts';
import { hashFor, verifyKeySignature } from '../certificates/signature.ts';
import { decodeBase64 } from '../json/base64.ts';
import type { ServiceCall } from '../services/http.ts';
import type { KeyHolder } from './signer.ts';

export interface SignerCommand {
  /** Program and arguments; never a shell. */
  readonly command: readonly [string, ...string[]];
  readonly publicKey: KeyObject;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds. */
  readonly timeLimit?: number;
}

const maxOutput = 16 * 1024;

/**
 * Signs through a program that holds the key, such as the client of a key management service. It reads one
 * line of JSON, `{"digest": base64, "algorithm": "sha256"}`, and writes the signature as base64. What it
 * writes is verified before it is used.
 */
export function commandSigner(signer: SignerCommand): KeyHolder {
  const { publicKey } = signer;
  const algorithm = hashFor(publicKey);
  if (algorithm === undefined) {
    throw new Fault('KEY_INVALID', {
      what: 'A signer program signs digests, which Ed25519 keys cannot.',
      expected: 'an ECDSA or RSA key',
    });
  }
  return {
    publicKey,
    sign: async (bytes, o = {}) => {
      const digest = createHash(algorithm).update(bytes).digest('base64');
      const output = await askProgram(signer, `${JSON.stringify({ digest, algorithm })}\n`, o);
      const signature = read(output);
      if (signature !== undefined && verifyKeySignature(bytes, publicKey, signature)) return signature;
      throw failed(signer, 'wrote something that is not a signature by the key');
    },
  };
}

async function askProgram(signer: SignerCommand, input: string, { signal }: ServiceCall): Promise<string> {
  const [program, ...args] = signer.command;
  const { code, stdout } = await run({
    program,
    args,
    env: signer.environment,
    input,
    timeLimit: signer.timeLimit ?? 30_000,
    outputLimit: maxOutput,
    ...(signal !== undefined && { signal }),
  });
  if (code !== 0) throw failed(signer, code === undefined ? 'was stopped' : `ended with status ${code}`);
  return stdout.toString('latin1');
}

function read(output: string): Buffer | undefined {
  try {
    return decodeBase64(output.trim());
  } catch {
    return undefined;
  }
}

/** What it said itself is not repeated: nobody knows whether a program that failed tells a secret. */
function failed({ command: [program] }: SignerCommand, what: string): Fault {
  return new Fault('SIGNER_FAILED', { what: `The signer program ${what}.`, where: program });
}
