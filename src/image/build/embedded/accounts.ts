import type { Parsed } from '../../../model/parsed.ts';
import { collect } from '../../oci/verified.ts';
import { type Owner, root, type Tree } from './tree.ts';

const largestAccounts = 1024 * 1024;

/** `user`, `user:group`, `1000`, `:100`; names are looked up in the image itself. */
export async function resolveOwner(text: string, tree: Tree, signal?: AbortSignal): Promise<Parsed<Owner>> {
  const [user = '', group] = text.split(':', 2);
  const found = user === '' ? { value: root } : await resolveUser(user, tree, signal);
  if ('problem' in found || group === undefined || group === '') return found;
  const gid = await resolveGroup(group, tree, signal);
  return 'problem' in gid ? gid : { value: { uid: found.value.uid, gid: gid.value } };
}

async function resolveUser(user: string, tree: Tree, signal?: AbortSignal): Promise<Parsed<Owner>> {
  const id = readId(user);
  if (id !== undefined) return { value: { uid: id, gid: id } };
  const line = await findLine('etc/passwd', user, tree, signal);
  const uid = readId(line?.[2]);
  const gid = readId(line?.[3]);
  if (uid !== undefined && gid !== undefined) return { value: { uid, gid } };
  return { problem: `the image has no user "${user.slice(0, 100)}" in /etc/passwd` };
}

async function resolveGroup(group: string, tree: Tree, signal?: AbortSignal): Promise<Parsed<number>> {
  const id = readId(group) ?? readId((await findLine('etc/group', group, tree, signal))?.[2]);
  if (id !== undefined) return { value: id };
  return { problem: `the image has no group "${group.slice(0, 100)}" in /etc/group` };
}

async function findLine(
  path: string,
  name: string,
  tree: Tree,
  signal?: AbortSignal,
): Promise<readonly string[] | undefined> {
  const node = tree.find(path);
  if (node?.kind !== 'file' || node.content.size > largestAccounts) return undefined;
  const text = (await collect(node.content.open(signal))).toString('utf8');
  return text
    .split('\n')
    .map(line => line.split(':'))
    .find(([first]) => first === name);
}

function readId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= 0xffff_ffff ? id : undefined;
}
