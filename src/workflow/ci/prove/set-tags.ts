import { Fault } from '../../../ground/fault/fault.ts';
import { open, registriesOf, toLocation } from '../../../image/oci/open.ts';
import { type ReachOptions, reachRegistries } from '../../reach-registries.ts';
import { digestOf } from '../handover.ts';

/** Gives a digest of a registry more names. Its manifest is read again and stored as it is: nothing else is written. */
export async function setTags(ref: string, tags: readonly string[], o: ReachOptions): Promise<void> {
  const location = toLocation(ref);
  await reachRegistries(o, registriesOf(location), async access => {
    const call = o.signal === undefined ? {} : { signal: o.signal };
    const { registry } = await open(location, access, { ...call, to: 'write' });
    const manifest = await registry.manifest(digestOf(ref), call);
    await registry.push({ kind: 'manifest', ...manifest, tags }, call);
  });
}

const ofCommit = /^sha-([0-9a-f]{40,64})$/;

/** Beside the tag of its entry, which moves on: by this one a release finds what a commit became. */
export function tagOfCommit(commit: string): string {
  const tag = `sha-${commit}`;
  if (ofCommit.test(tag)) return tag;
  throw new Fault('USAGE', { what: 'this is no commit', expected: '40 hexadecimal digits', actual: commit });
}

export function commitOfTag(tag: string): string | undefined {
  return ofCommit.exec(tag)?.[1];
}
