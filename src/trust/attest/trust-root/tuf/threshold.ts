import { readKey, type TufKey } from './key.ts';
import type { Metadata, Role } from './metadata.ts';
import { refuse } from './refusal.ts';

const mostKeys = 64;

/** Enough different keys of the role have signed the document (TUF 1.0 §5.3.4); one key counts once, whatever it is called. */
export function requireSignatures(document: Metadata, root: Metadata, role: Role): void {
  const { keys, threshold } = readRole(root, role);
  const signers = new Set<string>();
  for (const { keyId, signature } of document.signatures) {
    const key = keys.get(keyId);
    if (key?.verifies(document.payload, signature) === true) signers.add(key.identity);
  }
  if (signers.size >= threshold) return;
  throw refuse(document.file, `too few of the ${role} keys of ${root.file} signed it`, {
    expected: `${threshold} good signatures of different keys`,
    actual: `${signers.size}`,
  });
}

function readRole(root: Metadata, role: Role): { keys: Map<string, TufKey>; threshold: number } {
  try {
    const fields = root.signed.object('roles').object(role);
    const threshold = fields.raw('threshold');
    if (typeof threshold !== 'number' || !Number.isSafeInteger(threshold) || threshold < 1) {
      throw new Error(`the threshold of ${role} is not a positive number`);
    }
    const keys = new Map<string, TufKey>();
    for (const id of fields.list('keyids', mostKeys)) {
      if (typeof id !== 'string') throw new Error('a key id is not a text');
      const key = readKey(root.signed.object('keys').object(id));
      if (key !== undefined) addKey(keys, id, key);
    }
    return { keys, threshold };
  } catch (cause) {
    throw refuse(root.file, cause instanceof Error ? cause.message : `its role ${role} is malformed`);
  }
}

function addKey(keys: Map<string, TufKey>, id: string, key: TufKey): void {
  if ([...keys.values()].some(({ identity }) => identity === key.identity)) {
    throw new Error('it names one key under several ids');
  }
  keys.set(id, key);
}
